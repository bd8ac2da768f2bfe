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
package dev.sluice.demo.deadletters;

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.message.Message;
import java.util.OptionalInt;
import reactor.core.publisher.Mono;

/**
 * Where dead letters go: to the topic, which the audit counts, and then into the store, from where
 * they are sent back. A letter is taken when both have it; one that is repeated because it was not
 * counts once, by its position.
 */
public final class DeadLetterTarget implements Outbound<byte[]> {

  /** The header of a record that was sent back: the position of the one that was dead-lettered. */
  public static final String SENT_BACK = "sent-back";

  private final Outbound<byte[]> topic;
  private final Outbound<byte[]> store;

  DeadLetterTarget(Outbound<byte[]> topic, Outbound<byte[]> store) {
    this.topic = topic;
    this.store = store;
  }

  @Override
  public String name() {
    return topic.name();
  }

  @Override
  public Mono<Receipt> send(Message<byte[]> letter) {
    return topic.send(letter).then(Mono.defer(() -> store.send(letter)));
  }

  @Override
  public OptionalInt room(Message<?> letter) {
    return topic.room(letter);
  }
}
