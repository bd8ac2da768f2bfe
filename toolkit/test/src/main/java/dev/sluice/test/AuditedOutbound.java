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
package dev.sluice.test;

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.message.Message;
import reactor.core.publisher.Mono;

/** A target whose sends count as derived from the deliveries of their messages. */
record AuditedOutbound<T>(Outbound<T> target, Audit audit) implements Outbound<T> {

  @Override
  public String name() {
    return target.name();
  }

  @Override
  public Mono<Receipt> send(Message<T> message) {
    Trail trail = audit.find(message);
    Mono<Receipt> send = target.send(message);
    return trail == null ? send : Mono.defer(() -> audited(send, trail, message));
  }

  private Mono<Receipt> audited(Mono<Receipt> send, Trail trail, Message<T> message) {
    String what = "send of " + message.id() + " to " + name();
    Trail.Derived derived = audit.derive(trail, what);
    return send.doOnSuccess(
            receipt -> {
              if (receipt == null) {
                over(trail, derived, Trail.Derived.State.FAILED, "ended without a receipt");
              } else {
                over(trail, derived, Trail.Derived.State.DONE, "confirmed");
                audit.effect("sent to " + name(), trail);
              }
            })
        .doOnError(e -> over(trail, derived, Trail.Derived.State.FAILED, "failed: " + e))
        .doOnCancel(() -> over(trail, derived, Trail.Derived.State.CUT_SHORT, "cancelled"));
  }

  private void over(Trail trail, Trail.Derived derived, Trail.Derived.State state, String how) {
    trail.end(derived, state);
    audit.note(trail, derived.what + ' ' + how);
  }
}
