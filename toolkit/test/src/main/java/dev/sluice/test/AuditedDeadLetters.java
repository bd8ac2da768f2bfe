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

/** The dead-letter target of an audited source. */
record AuditedDeadLetters(Outbound<byte[]> target, Audit audit) implements Outbound<byte[]> {

  @Override
  public String name() {
    return target.name();
  }

  @Override
  public Mono<Receipt> send(Message<byte[]> letter) {
    Trail trail = audit.find(letter);
    Mono<Receipt> send = target.send(letter);
    if (trail == null) {
      return send;
    }
    return send.doOnNext(
            receipt -> {
              trail.letterConfirmed();
              audit.note(trail, "dead letter to " + name() + " confirmed");
            })
        .doOnError(error -> audit.note(trail, "dead letter to " + name() + " refused: " + error));
  }
}
