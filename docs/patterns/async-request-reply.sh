#!/usr/bin/env bash
# Asks for something that takes a while, with nothing but curl, and checks each answer.
# Usage: async-request-reply.sh http://host:port
set -euo pipefail
base=${1:?usage: async-request-reply.sh http://host:port}
key="script-$$-$RANDOM"
headers=$(mktemp)
trap 'rm -f "$headers"' EXIT

# What a header of the last answer says.
header() { tr -d '\r' < "$headers" | sed -n "s/^$1: //Ip" | tail -1; }

# Fails unless the status is the one that is expected.
expect() {
  if [ "$2" != "$1" ]; then
    echo "$3: $2 (expected: $1)"
    exit 1
  fi
  echo "$3: $2"
}

ask() { curl -sS -o /dev/null -D "$headers" -w '%{http_code}' "$@"; }

# It is accepted: where to ask, and when.
expect 202 "$(ask "$base/claims" -H "Idempotency-Key: $key" -d '{"tag":42}')" "accepted"
status=$(header Location)
echo "at $status, in $(header Retry-After) s"

# The same request again is the same operation, another one under its key is a mistake.
ask "$base/claims" -H "Idempotency-Key: $key" -d '{"tag":42}' > /dev/null
[ "$(header Location)" = "$status" ] || [ "$(header Content-Location)" = "$status/result" ]
expect 422 "$(ask "$base/claims" -H "Idempotency-Key: $key" -d '{"tag":43}')" "another request"
expect 400 "$(ask "$base/claims" -d '{"tag":42}')" "no key"

# Poll until it is done: 202 while it is not, then 302 to the result.
code=202
for _ in $(seq 1 30); do
  code=$(ask "$base$status" -H 'Prefer: wait=10')
  [ "$code" = 202 ] || break
  sleep "$(header Retry-After)"
done
expect 302 "$code" "done"
echo "result: $(curl -sS "$base$(header Location)")"

# Or all in one: wait for it, and follow.
echo "in one: $(curl -sS -L "$base$status" -H 'Prefer: wait=10')"

# Cancel something that takes too long.
expect 202 "$(ask "$base/claims" -H "Idempotency-Key: $key-slow" -d '{"slow":true}')" "accepted"
status=$(header Location)
code=$(ask -X DELETE "$base$status")
[ "$code" = 200 ] || [ "$code" = 202 ] || expect 200 "$code" "cancel"
expect 409 "$(ask "$base$status" -H 'Prefer: wait=10')" "cancelled"
expect 404 "$(ask "$base/claims/operations/unknown")" "unknown"
echo "all is as it should be"
