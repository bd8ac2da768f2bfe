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

import dev.sluice.channel.Capability;
import dev.sluice.channel.FlowListener;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.claim.Checker;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.parking.DeliveryParking;
import dev.sluice.retry.DeliveryRetry;
import dev.sluice.time.Times;
import java.time.Clock;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.util.retry.Retry;

/** The options of a flow. Each change makes a copy. */
final class FlowSettings implements Cloneable {

  /* The fields are assigned only before a copy is given away, in the constructor and in with(). */

  private static final int MIN_UNSETTLED = 1024;
  private static final int MAX_COLLECTED = 10_000_000;

  private final Source source;
  private String name;
  private ErrorPolicy policy = ErrorPolicy.defaults();
  private @Nullable Outbound<byte[]> deadLetters;
  private int maxUnsettled; // 0: not set
  private Duration lease = ReceiveOptions.defaults().lease();
  private Clock clock = Clock.systemUTC();
  private @Nullable Retry restart;
  private SafeListener listener = new SafeListener(null);
  private @Nullable DeliveryRetry retry;
  private @Nullable DeliveryParking parking;
  private boolean parks; // a step does
  private int needed = 1;
  private String neededFor = "";
  private int collected;
  private int weight = 1;
  private Duration collectedFor = Duration.ZERO;
  private @Nullable Checker claims; // of the last step, if that was a claim check
  private boolean divided;
  private boolean collectsGroups;

  FlowSettings(Source source) {
    this.source = source;
    this.name = source.name();
  }

  private FlowSettings with(Consumer<FlowSettings> change) {
    try {
      FlowSettings copy = (FlowSettings) clone();
      change.accept(copy);
      return copy;
    } catch (CloneNotSupportedException e) {
      throw new AssertionError(e);
    }
  }

  // == what users set ==

  FlowSettings named(String name) {
    if (Objects.requireNonNull(name, "name").isBlank()) {
      throw new IllegalArgumentException("name: \"" + name + "\" (expected: not blank)");
    }
    return with(copy -> copy.name = name);
  }

  FlowSettings policy(ErrorPolicy policy) {
    Objects.requireNonNull(policy, "policy");
    return with(
        copy -> {
          copy.policy = policy;
          copy.retry = retry == null ? null : retry.policy(policy);
        });
  }

  FlowSettings deadLetters(Outbound<byte[]> target) {
    Objects.requireNonNull(target, "target");
    return with(copy -> copy.deadLetters = target);
  }

  FlowSettings maxUnsettled(int maxUnsettled) {
    if (maxUnsettled < 1) {
      throw new IllegalArgumentException("maxUnsettled: " + maxUnsettled + " (expected: >= 1)");
    }
    return with(copy -> copy.maxUnsettled = maxUnsettled);
  }

  FlowSettings lease(Duration lease) {
    Times.positive("lease", lease);
    return with(copy -> copy.lease = lease);
  }

  FlowSettings clock(Clock clock) {
    Objects.requireNonNull(clock, "clock");
    return with(copy -> copy.clock = clock);
  }

  FlowSettings restart(Retry restart) {
    Objects.requireNonNull(restart, "restart");
    return with(copy -> copy.restart = restart);
  }

  FlowSettings listener(FlowListener listener) {
    Objects.requireNonNull(listener, "listener");
    return with(copy -> copy.listener = new SafeListener(listener));
  }

  FlowSettings retry(DeliveryRetry retry) {
    return with(
        copy -> {
          copy.retry = retry;
          copy.policy = retry.policy();
        });
  }

  FlowSettings alsoListener(FlowListener more) {
    FlowListener first = listener.listener();
    return listener(first == null ? more : first.and(more));
  }

  FlowSettings parking(DeliveryParking parking) {
    return with(copy -> copy.parking = parking);
  }

  // == what steps need ==

  /** With a step that may have to park groups. */
  FlowSettings parks(boolean parks) {
    return parks ? with(copy -> copy.parks = true) : this;
  }

  /** With a step that needs so many unsettled deliveries. */
  FlowSettings atLeast(int lookAhead) {
    return with(copy -> copy.need(lookAhead, "the largest look-ahead"));
  }

  /**
   * With a step that collects so many deliveries, each of which may stand for several of the source
   * when they have been collected before.
   */
  FlowSettings collecting(int maxSize, Duration maxTime, AggregateSpec<?> spec) {
    AggregateSpec.inRange("maxSize", maxSize);
    Times.positive("maxTime", maxTime);
    if (spec.isByGroup() && source.can(Capability.EXCLUSIVE_GROUPS)) {
      throw new IllegalArgumentException(
          "byGroup: "
              + source.name()
              + " has EXCLUSIVE_GROUPS (expected: a channel without; this one delivers the next"
              + " message of a group when the one before is settled, so no aggregate would ever"
              + " have a second member)");
    }
    long members = (long) weight * maxSize * spec.maxOpen() + collected;
    if (members > MAX_COLLECTED) {
      throw new IllegalArgumentException(
          "maxSize * maxOpen: "
              + members
              + " deliveries in all aggregates of flow "
              + name
              + " (expected: <= "
              + MAX_COLLECTED
              + ")");
    }
    return with(
        copy -> {
          copy.collected = (int) members;
          copy.weight = weight * maxSize;
          copy.need((int) members, "the members of all aggregates");
          copy.collectedFor = collectedFor.plus(maxTime);
          copy.collectsGroups = collectsGroups || spec.isByGroup();
        });
  }

  private void need(int deliveries, String what) {
    if (deliveries > needed) {
      needed = deliveries;
      neededFor = what;
    }
  }

  /** With a step behind which a settlement may be about a part of a message only. */
  FlowSettings divided() {
    return with(
        copy -> {
          copy.claims = null;
          copy.divided = true;
        });
  }

  /** With a step from one delivery to one or none, and the same settlement. */
  FlowSettings undivided(@Nullable Checker claims) {
    return with(copy -> copy.claims = claims);
  }

  void validate() {
    if (parks && parking == null) {
      throw new IllegalArgumentException(
          "verdict: PARK_GROUP in flow "
              + name
              + " (expected: with Flow.parking, which says where groups wait)");
    }
    if (parking != null && collectsGroups) {
      throw new IllegalArgumentException(
          "parking: in flow "
              + name
              + " with an aggregate by group (expected: another key; the next message of a group"
              + " enters when the one before is settled, so no aggregate would ever have a second"
              + " member)");
    }
    if (retry != null && retry.isOrdered() && collectsGroups) {
      throw new IllegalArgumentException(
          "retry: ordered, in flow "
              + name
              + " with an aggregate by group (expected: unordered, or another key; the next message"
              + " of a group enters when the one before is settled, so no aggregate would ever have"
              + " a second member)");
    }
    if (retry != null && retry.through() != null && source.can(Capability.DELAY)) {
      throw new IllegalArgumentException(
          "through: "
              + retry.through().name()
              + " (expected: none; "
              + source.name()
              + " has DELAY and keeps messages itself until they are due)");
    }
    if (effectiveMaxUnsettled() < needed) {
      throw new IllegalArgumentException(
          "maxUnsettled: "
              + maxUnsettled
              + " (expected: >= "
              + needed
              + ", "
              + neededFor
              + " in flow "
              + name
              + ")");
    }
    if (source.can(Capability.LEASES) && collectedFor.compareTo(lease) >= 0) {
      throw new IllegalArgumentException(
          "maxTime: "
              + collectedFor
              + " in all aggregates of flow "
              + name
              + " (expected: < "
              + lease
              + ", the lease of deliveries from "
              + source.name()
              + "; see Flow.lease)");
    }
    if (deadLetters != null && !source.sendsDeadLetters()) {
      throw new IllegalArgumentException(
          "deadLetter: "
              + deadLetters.name()
              + " (expected: none in a flow of deliveries; the channel that delivered them sends"
              + " dead letters, see ReceiveOptions.deadLetters)");
    }
  }

  // == values ==

  Source source() {
    Source all = source;
    if (retry != null && retry.through() != null) {
      all = new Returning(all, retry.clock(clock)::waiting);
    }
    if (parking != null) {
      all = new Returning(all, parking.flow(name)::released);
    }
    return all;
  }

  String name() {
    return name;
  }

  ErrorPolicy policy() {
    return policy;
  }

  @Nullable Outbound<byte[]> deadLetters() {
    return deadLetters;
  }

  int effectiveMaxUnsettled() {
    return maxUnsettled == 0 ? Math.max(MIN_UNSETTLED, needed) : maxUnsettled;
  }

  Duration lease() {
    return lease;
  }

  /** How many deliveries the aggregates of the flow may hold. */
  int collected() {
    return collected;
  }

  Clock clock() {
    return clock;
  }

  @Nullable Retry restart() {
    return restart;
  }

  SafeListener listener() {
    return listener;
  }

  /** The retries of the flow, if it has any but those of its policy. */
  @Nullable DeliveryRetry retry() {
    return retry == null ? null : retry.source(source::can).clock(clock).window(window());
  }

  /** What parks groups, if anything does. */
  @Nullable DeliveryParking parking() {
    return parking == null
        ? null
        : parking.flow(name).source(source::can).window(window()).maxAttempts(policy.maxAttempts());
  }

  /** How many deliveries may be out at all. */
  private int window() {
    return (int) Math.min(MAX_COLLECTED, (long) effectiveMaxUnsettled() * source().channels());
  }

  @Nullable Checker claims() {
    return claims;
  }

  boolean isDivided() {
    return divided;
  }
}
