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
package dev.sluice.gather;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/** The places of each recipient, by its name; a recipient that nobody asks is forgotten. */
final class Bulkheads {

  private final int running;
  private final int waiting;
  private final ConcurrentMap<String, Bulkhead> byName = new ConcurrentHashMap<>();

  Bulkheads(int running, int waiting) {
    this.running = running;
    this.waiting = waiting;
  }

  /** The places of a recipient; each call is answered by one of {@link #leave}. */
  Bulkhead join(String recipient) {
    return byName.compute(
        recipient,
        (name, known) -> {
          Bulkhead bulkhead = known == null ? new Bulkhead(name, running, waiting) : known;
          bulkhead.users++;
          return bulkhead;
        });
  }

  void leave(Bulkhead bulkhead) {
    byName.computeIfPresent(bulkhead.name(), (name, known) -> --known.users == 0 ? null : known);
  }

  int running(String recipient) {
    Bulkhead bulkhead = byName.get(recipient);
    return bulkhead == null ? 0 : bulkhead.running();
  }

  int waiting(String recipient) {
    Bulkhead bulkhead = byName.get(recipient);
    return bulkhead == null ? 0 : bulkhead.waiting();
  }
}
