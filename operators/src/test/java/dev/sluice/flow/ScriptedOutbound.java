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
package dev.sluice.flow;

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.message.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** A channel that takes what it is sent, unless the test says what happens instead. */
final class ScriptedOutbound<T> implements Outbound<T> {

  private final String name;

  /** What becomes of a message; null for a receipt. */
  Function<Message<T>, @Nullable Mono<Receipt>> script = message -> null;

  /** The messages whose sends began, in order. */
  final List<Message<T>> begun = new ArrayList<>();

  /** The messages that got their receipt, in order. */
  final List<Message<T>> sent = new ArrayList<>();

  ScriptedOutbound(String name) {
    this.name = name;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Mono<Receipt> send(Message<T> message) {
    Mono<Receipt> scripted = script.apply(message);
    Mono<Receipt> receipt = scripted == null ? Mono.fromSupplier(() -> receipt(message)) : scripted;
    return receipt.doOnSubscribe(s -> begin(message)).doOnNext(r -> confirm(message));
  }

  private synchronized void begin(Message<T> message) {
    begun.add(message);
  }

  private synchronized void confirm(Message<T> message) {
    sent.add(message);
  }

  Receipt receipt(Message<T> message) {
    return new Receipt(name, message.id(), "0");
  }

  List<T> payloads() {
    return sent.stream().map(Message::payload).toList();
  }
}
