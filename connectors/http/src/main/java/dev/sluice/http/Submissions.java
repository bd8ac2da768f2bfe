/*
 * Copyright 2026 the Sluice contributors
 *
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at
 *
 *     https://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */
package dev.sluice.http;

import dev.sluice.store.Content;
import dev.sluice.store.Operation;
import dev.sluice.store.OperationStore;
import dev.sluice.store.OperationStore.Acceptance;
import dev.sluice.store.OperationStore.NewOperation;
import dev.sluice.store.OperationStore.RequestKey;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Takes requests: reads them, has the store accept them, and answers. */
final class Submissions {

  /** 192 bits: nobody guesses one. */
  private static final int ID_BYTES = 24;

  private static final int MAX_KEY = 255;
  private static final SecureRandom RANDOM = new SecureRandom();

  private final AsyncOperations operations;
  private final OperationsSpec spec;
  private final Statuses statuses;

  Submissions(AsyncOperations operations, Statuses statuses) {
    this.operations = operations;
    this.spec = operations.spec;
    this.statuses = statuses;
  }

  Mono<OperationReply> submit(OperationCall call) {
    String key = key(call.header("Idempotency-Key"));
    String callback = callback(call);
    requireSize(call.header("Content-Length"));
    Duration wait = Preferences.wait(call.header("Prefer"), spec.maxWait);
    return Exchanges.read(call.body(), spec.maxBody, this::tooLarge)
        .map(body -> asked(call, key, callback, body))
        .flatMap(this::accepted)
        .flatMap(
            acceptance -> {
              Operation operation = acceptance.operation();
              if (acceptance instanceof Acceptance.KeyReused) {
                throw refusal(422, "key-reused", "The key belongs to another request");
              }
              boolean fresh = acceptance instanceof Acceptance.Accepted;
              (fresh ? operations.accepted : operations.repeated).increment();
              if (fresh) {
                operations.workers.soon();
              }
              return statuses
                  .ended(operation, wait)
                  .map(later -> statuses.answer(call, later, fresh, wait));
            });
  }

  /** What was accepted before is not refused now: its caller may never have heard of it. */
  private Mono<Acceptance> accepted(NewOperation asked) {
    OperationRequest request = new OperationRequest(asked.caller(), asked.request());
    return Mono.<Void>defer(() -> spec.admission.apply(request))
        .then(Mono.<Acceptance>empty())
        .onErrorResume(refusal -> known(asked).switchIfEmpty(Mono.error(refusal)))
        .switchIfEmpty(Mono.defer(() -> operations.store.accept(asked)));
  }

  private Mono<Acceptance> known(NewOperation asked) {
    return asked.key() == null ? Mono.empty() : operations.store.known(asked);
  }

  /** A structured string, or what somebody who does not know of these has put there. */
  private @Nullable String key(@Nullable String header) {
    if (header == null) {
      if (spec.keys == OperationsSpec.KeyPolicy.REQUIRED) {
        throw refusal(400, "key-missing", "An Idempotency-Key is required");
      }
      return null;
    }
    String key = header.strip();
    if (key.length() >= 2 && key.startsWith("\"") && key.endsWith("\"")) {
      key = key.substring(1, key.length() - 1);
    }
    if (key.isEmpty()
        || key.length() > MAX_KEY
        || !key.chars().allMatch(c -> c >= ' ' && c <= '~')) {
      throw refusal(400, "key-malformed", "An Idempotency-Key has 1 to 255 ASCII characters");
    }
    return key;
  }

  private @Nullable String callback(OperationCall call) {
    Webhooks webhooks = spec.webhooks;
    String url = webhooks == null ? null : call.header(webhooks.header);
    if (webhooks == null || url == null) {
      return null;
    }
    String refusal =
        url.isEmpty() || url.length() > OperationStore.MAX_CALLBACK
            ? "it is too long, or empty"
            : webhooks.refusal(url);
    if (refusal != null) {
      throw new OperationFailed(
          new Problem(400, "callback-refused", "The address of the callback is refused", refusal));
    }
    return url;
  }

  private void requireSize(@Nullable String length) {
    if (length != null
        && length.matches("\\d+")
        && (length.length() > 10 || Long.parseLong(length) > spec.maxBody)) {
      throw tooLarge();
    }
  }

  private NewOperation asked(
      OperationCall call, @Nullable String key, @Nullable String callback, byte[] body) {
    String type = call.header("Content-Type");
    if (type != null && type.length() > Content.MAX_TYPE) {
      throw refusal(400, "type-too-long", "The Content-Type is too long");
    }
    Content request = Content.of(type == null ? "" : type, body);
    return new NewOperation(
        id(),
        operations.kind,
        call.caller(),
        key == null ? null : new RequestKey(key, fingerprint(request)),
        request,
        callback,
        spec.retention,
        spec.remembered);
  }

  private static String id() {
    byte[] random = new byte[ID_BYTES];
    RANDOM.nextBytes(random);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(random);
  }

  private static String fingerprint(Content request) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(request.type().getBytes(StandardCharsets.UTF_8));
      digest.update((byte) 0);
      return HexFormat.of().formatHex(digest.digest(request.bytes()));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("SHA-256: missing (expected: in every JDK)", e);
    }
  }

  private OperationFailed tooLarge() {
    return refusal(413, "too-large", "The body is larger than " + spec.maxBody + " bytes");
  }

  private static OperationFailed refusal(int status, String code, String title) {
    return new OperationFailed(Problem.of(status, code, title));
  }
}
