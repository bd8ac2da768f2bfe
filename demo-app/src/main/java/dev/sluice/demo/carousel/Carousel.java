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
package dev.sluice.demo.carousel;

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.message.Message;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import reactor.core.publisher.Mono;

/** Where people take their bags: what is on it has left the airport's hands. Thread-safe. */
final class Carousel implements Outbound<LandedBag> {

  private static final int SHOWN = 5;

  private final int number;
  private final Deque<LandedBag> last = new ArrayDeque<>(); // guarded by itself
  private long bags; // guarded by last

  Carousel(int number) {
    this.number = number;
  }

  /**
   * What is seen of it.
   *
   * @param bags how many it has had since the start
   * @param last the newest first
   */
  record View(int number, long bags, List<LandedBag> last) {}

  int number() {
    return number;
  }

  @Override
  public String name() {
    return "carousel " + number;
  }

  @Override
  public Mono<Receipt> send(Message<LandedBag> message) {
    return Mono.fromSupplier(
        () -> new Receipt(name(), message.id(), Long.toString(put(message.payload()))));
  }

  private long put(LandedBag bag) {
    synchronized (last) {
      last.addFirst(bag);
      if (last.size() > SHOWN) {
        last.removeLast();
      }
      return ++bags;
    }
  }

  View view() {
    synchronized (last) {
      return new View(number, bags, List.copyOf(last));
    }
  }
}
