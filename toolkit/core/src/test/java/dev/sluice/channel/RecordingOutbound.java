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
package dev.sluice.channel;

import dev.sluice.message.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import reactor.core.publisher.Mono;

/** Remembers what it was asked to send, and answers as a test says; by default with a receipt. */
final class RecordingOutbound implements Outbound<byte[]> {

  final List<Message<byte[]>> sent = new ArrayList<>();
  private final IntFunction<Mono<Receipt>> answer;

  RecordingOutbound() {
    this(attempt -> Mono.just(new Receipt("target", "id", Integer.toString(attempt))));
  }

  /** One that answers the n-th call, from 1, in its own way. */
  RecordingOutbound(IntFunction<Mono<Receipt>> answer) {
    this.answer = answer;
  }

  /** One that takes the n-th call, from 1, and fails the calls before. */
  static RecordingOutbound failingUntil(int n, RuntimeException error) {
    return new RecordingOutbound(
        attempt ->
            attempt < n ? Mono.error(error) : Mono.just(new Receipt("target", "id", "position")));
  }

  @Override
  public String name() {
    return "target";
  }

  @Override
  public Mono<Receipt> send(Message<byte[]> message) {
    sent.add(message);
    return answer.apply(sent.size());
  }
}
