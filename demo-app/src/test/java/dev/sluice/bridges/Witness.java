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
package dev.sluice.bridges;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.Inbound;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import reactor.core.Disposable;
import reactor.util.retry.Retry;

/** Sees everything that arrives on a side: whose it is, in what order, how often. */
final class Witness {

  /** Of a message that was sent on {@code side}, the {@code number}th of its group there. */
  record Seen(String id, String side, String group, int number, boolean crossed) {}

  private final List<Seen> all = new ArrayList<>(); // guarded by this
  private final Set<String> positions = new HashSet<>(); // guarded by this
  private final Set<String> ids = new HashSet<>(); // guarded by this
  private final Disposable watching;

  /**
   * @param inbound a consumer of its own, which gets a copy of everything
   */
  Witness(Inbound inbound) {
    watching =
        inbound
            .receive(ReceiveOptions.defaults())
            .doOnNext(
                delivery -> {
                  see(delivery.origin().position(), delivery.message());
                  delivery.settlement().settle(Outcome.ack());
                })
            .retryWhen(Retry.fixedDelay(Long.MAX_VALUE, Duration.ofMillis(200)))
            .subscribe();
  }

  /** What comes from the same position is the same copy, which comes again. */
  private synchronized void see(String position, Message<byte[]> message) {
    if (!positions.add(position)) {
      return;
    }
    String side = Objects.requireNonNull(message.headers().get("side"));
    int number = Integer.parseInt(Objects.requireNonNull(message.headers().get("number")));
    all.add(
        new Seen(
            message.id(),
            side,
            Objects.requireNonNull(message.group()),
            number,
            message.headers().contains("sl-via")));
    ids.add(message.id());
  }

  synchronized int distinct() {
    return ids.size();
  }

  void end() {
    watching.dispose();
  }

  /**
   * Everything that crossed is there, in the order of its groups, as far as copies allow; and
   * nothing that was sent on this side has come back to it.
   *
   * @param from the other side
   * @param messages how many were sent there
   * @param mostCopies how many may have come twice
   */
  synchronized void verify(String from, int messages, long mostCopies) {
    List<Seen> crossed = all.stream().filter(Seen::crossed).toList();
    assertThat(crossed).as("echoes").allMatch(seen -> seen.side().equals(from));
    Set<String> first = new HashSet<>();
    Map<String, Integer> last = new HashMap<>();
    List<Seen> disorder = new ArrayList<>();
    for (Seen seen : crossed) {
      if (first.add(seen.id())) {
        int before = last.getOrDefault(seen.group(), -1);
        if (seen.number() != before + 1) {
          disorder.add(seen);
        }
        last.put(seen.group(), seen.number());
      }
    }
    assertThat(disorder).as("out of the order of their groups").isEmpty();
    assertThat(first).as("messages that crossed").hasSize(messages);
    assertThat(crossed.size() - messages).as("copies").isBetween(0, (int) mostCopies);
  }
}
