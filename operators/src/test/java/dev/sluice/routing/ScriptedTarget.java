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
package dev.sluice.routing;

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.message.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import reactor.core.publisher.Mono;

/** A channel to send to whose answers are scripted. */
final class ScriptedTarget implements Outbound<String> {

  private final String name;
  private final List<String> sent = new ArrayList<>();
  private final List<Message<String>> messages = new ArrayList<>();
  private Function<Message<String>, Mono<Receipt>> answer;

  ScriptedTarget(String name) {
    this.name = name;
    this.answer = message -> Mono.just(receipt(message));
  }

  ScriptedTarget answering(Function<Message<String>, Mono<Receipt>> answer) {
    this.answer = answer;
    return this;
  }

  ScriptedTarget failing(Throwable error) {
    return answering(message -> Mono.error(error));
  }

  Receipt receipt(Message<String> message) {
    return new Receipt(name, message.id(), Integer.toString(sent.size()));
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Mono<Receipt> send(Message<String> message) {
    return Mono.defer(
        () -> {
          sent.add(message.payload());
          messages.add(message);
          return answer.apply(message);
        });
  }

  /** The payloads whose send was subscribed to. */
  List<String> sent() {
    return sent;
  }

  List<Message<String>> messages() {
    return messages;
  }
}
