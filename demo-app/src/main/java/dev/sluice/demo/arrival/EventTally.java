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
package dev.sluice.demo.arrival;

import dev.sluice.channel.EventExchange;
import dev.sluice.delivery.Delivery;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import reactor.core.publisher.Mono;

/** How many events of each type this process has made known, each once. Thread-safe. */
final class EventTally {

  private final Map<String, LongAdder> byType = new ConcurrentHashMap<>();

  void add(String type) {
    byType.computeIfAbsent(type, first -> new LongAdder()).increment();
  }

  /** An exchange whose events are counted when it is certain that they are sent. */
  EventExchange of(EventExchange exchange) {
    return new EventExchange() {
      @Override
      public Mono<Exchanged> exchange(String scope, Delivery<?> delivery, Reaction reaction) {
        return exchange
            .exchange(scope, delivery, reaction)
            .doOnNext(
                exchanged -> {
                  if (!exchanged.repeated()) {
                    exchanged.messages().forEach(message -> add(message.type()));
                  }
                });
      }
    };
  }

  Map<String, Long> counts() {
    Map<String, Long> counts = new TreeMap<>();
    byType.forEach((type, count) -> counts.put(type, count.sum()));
    return counts;
  }
}
