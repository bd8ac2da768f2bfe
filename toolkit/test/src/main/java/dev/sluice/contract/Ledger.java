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
package dev.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What was sent, what was delivered, what was consumed, and whether that can be right. */
final class Ledger {

  /*
   * Threads: sent on the threads that send, before they do; delivered, deciding and consumed on any
   * thread, concurrently; the rest when all that is over.
   *
   * What is delivered may be recorded late, when its ownership has long ended. So whatever looks
   * wrong because of a second owner is only suspected, and acquitted in the end if it was lost.
   */

  /** The messages of one group from one producer: they have an order. */
  private static final class Lane {
    private int sent;
    private int delivered;

    synchronized int next() {
      return sent++;
    }

    /** Whether this is the next, or one that was delivered before. */
    synchronized boolean inOrder(int number) {
      if (number == delivered) {
        delivered++;
      }
      return number < delivered;
    }
  }

  private record Place(@Nullable Lane lane, int number) {}

  private final Map<String, Lane> lanes = new ConcurrentHashMap<>();
  private final Map<String, Place> places = new ConcurrentHashMap<>();
  private final Map<String, Integer> times = new ConcurrentHashMap<>();
  private final Set<String> worked = ConcurrentHashMap.newKeySet();
  private final Set<String> consumed = ConcurrentHashMap.newKeySet();
  private final Map<String, Delivery<byte[]>> holders = new ConcurrentHashMap<>();
  private final Queue<Delivery<byte[]>> deliveries = new ConcurrentLinkedQueue<>();
  private final Queue<Delivery<byte[]>> together = new ConcurrentLinkedQueue<>();
  private final Queue<Delivery<byte[]>> afterConsumption = new ConcurrentLinkedQueue<>();
  private final Queue<String> disorder = new ConcurrentLinkedQueue<>();

  /** To be called in the order of the sends of each producer. */
  Message<byte[]> sent(Message<byte[]> message, int producer) {
    String group = message.group();
    Lane lane =
        group == null
            ? null
            : lanes.computeIfAbsent(group + " of producer " + producer, name -> new Lane());
    places.put(message.id(), new Place(lane, lane == null ? 0 : lane.next()));
    return message;
  }

  /** To be called from inside onNext; returns for which time this message was delivered. */
  int delivered(Delivery<byte[]> delivery) {
    deliveries.add(delivery);
    String id = delivery.message().id();
    Place place = Objects.requireNonNull(places.get(id), id);
    if (place.lane() != null && !place.lane().inOrder(place.number())) {
      disorder.add(delivery + " is number " + place.number() + " and came before its predecessor");
    }
    if (consumed.contains(id)) {
      afterConsumption.add(delivery);
    }
    String group = delivery.message().group();
    if (group != null) {
      holders.merge(group, delivery, this::newerHolder);
    }
    return times.merge(id, 1, Integer::sum);
  }

  /** The older one must have ended, whichever of them is recorded first. */
  private Delivery<byte[]> newerHolder(Delivery<byte[]> held, Delivery<byte[]> came) {
    boolean late = came.origin().epoch() < held.origin().epoch();
    Delivery<byte[]> older = late ? came : held;
    if (!older.settlement().isSettled()) {
      together.add(older);
    }
    return late ? held : came;
  }

  /** To be called right before the decision. */
  void deciding(Delivery<byte[]> delivery, Outcome outcome) {
    if (outcome instanceof Outcome.Ack) {
      worked.add(delivery.message().id());
    }
    String group = delivery.message().group();
    if (group != null) {
      holders.remove(group, delivery);
    }
  }

  /** The consumption of the message is durable. */
  void consumed(String id) {
    consumed.add(id);
  }

  /** How many messages were delivered at least once. */
  int delivered() {
    return times.size();
  }

  /** How many deliveries there were. */
  int deliveries() {
    return deliveries.size();
  }

  /** What was sent, and neither worked on to a good end nor among {@code others}: it is lost. */
  Set<String> missing(Set<String> others) {
    Set<String> missing = new HashSet<>(places.keySet());
    missing.removeAll(worked);
    missing.removeAll(others);
    return missing;
  }

  void assertOrder(boolean exclusive) {
    assertThat(disorder).as("deliveries out of order").isEmpty();
    assertThat(afterConsumption)
        .as("deliveries after a durable consumption")
        .allMatch(delivery -> delivery.settlement().isLost());
    if (exclusive) {
      assertThat(together)
          .as("messages of a group that were out together")
          .allMatch(delivery -> delivery.settlement().isLost());
      byGroup().forEach(this::assertNoStepBack);
    }
  }

  /** In the order of their epochs the messages of a lane never step back. */
  private void assertNoStepBack(String group, List<Delivery<byte[]>> deliveries) {
    Map<Lane, Integer> last = new HashMap<>();
    for (Delivery<byte[]> delivery : deliveries) {
      Place place = Objects.requireNonNull(places.get(delivery.message().id()));
      Integer before = last.put(Objects.requireNonNull(place.lane()), place.number());
      assertThat(place.number())
          .as("%s of group %s", delivery, group)
          .isGreaterThanOrEqualTo(before == null ? 0 : before);
    }
  }

  private Map<String, List<Delivery<byte[]>>> byGroup() {
    return deliveries.stream()
        .filter(delivery -> delivery.message().group() != null)
        .sorted(Comparator.comparingLong(delivery -> delivery.origin().epoch()))
        .collect(
            Collectors.groupingBy(delivery -> Objects.requireNonNull(delivery.message().group())));
  }

  /** Decides what is undecided, so that nothing counts as leaked. */
  void letGo() {
    deliveries.forEach(
        delivery -> delivery.settlement().settle(Outcome.release(Outcome.Release.Why.STOPPED)));
  }
}
