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
package dev.sluice.memory;

import dev.sluice.message.Message;
import dev.sluice.store.ParkingLot;
import dev.sluice.store.StoreFailed;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Parked groups inside one process, for tests and for what does not outlive it.
 *
 * <p>Memory: at most {@code maxMessages}, with their bytes; when it is full, what parks fails with
 * {@link StoreFailed}, as temporary, and the flow waits.
 */
public final class MemoryParkingLot implements ParkingLot {

  /*
   * Threads: every operation on any thread, under the lock of the map, for as long as it takes to
   * look at each message of a group, or at each group. No code of others runs there.
   */

  private record Name(String flow, String group) {}

  /** A group that is not open. */
  private static final class Lane {
    final Instant since;
    final Map<Long, Parked> messages = new LinkedHashMap<>();
    long lastPlace;
    String why;
    boolean draining;
    String token = "";
    Instant until = Instant.MIN;

    Lane(Instant since, String why) {
      this.since = since;
      this.why = why;
    }

    void park(String why) {
      this.why = why;
      draining = false;
      free();
    }

    void free() {
      token = "";
      until = Instant.MIN;
    }
  }

  private final Clock clock;
  private final int maxMessages;
  private final Map<Name, Lane> lanes = new LinkedHashMap<>();
  private int size;

  private MemoryParkingLot(int maxMessages, Clock clock) {
    if (maxMessages < 1) {
      throw new IllegalArgumentException("maxMessages: " + maxMessages + " (expected: >= 1)");
    }
    this.maxMessages = maxMessages;
    this.clock = Objects.requireNonNull(clock, "clock");
  }

  /**
   * An empty lot on the system's clock.
   *
   * @param maxMessages how many it takes, 1 or more
   */
  public static MemoryParkingLot create(int maxMessages) {
    return create(maxMessages, Clock.systemUTC());
  }

  /** An empty lot whose time is that of {@code clock}. */
  public static MemoryParkingLot create(int maxMessages, Clock clock) {
    return new MemoryParkingLot(maxMessages, clock);
  }

  private <V> Mono<V> locked(Supplier<V> operation) {
    return Mono.fromSupplier(
        () -> {
          synchronized (lanes) {
            return operation.get();
          }
        });
  }

  @Override
  public Mono<Long> park(String flow, Message<byte[]> message, String why) {
    Name name = new Name(flow, ParkingLot.groupOf(flow, message));
    String reason = ParkingLot.shortened(why);
    return locked(
        () -> {
          requireRoom();
          Lane lane = lanes.computeIfAbsent(name, n -> new Lane(clock.instant(), reason));
          lane.park(reason);
          return add(lane, message, reason);
        });
  }

  @Override
  public Flux<String> parked(String flow, Collection<String> groups) {
    List<String> asked = List.copyOf(groups);
    return locked(
            () -> asked.stream().filter(group -> lanes.containsKey(new Name(flow, group))).toList())
        .flatMapIterable(list -> list);
  }

  @Override
  public Mono<Boolean> parkBehind(String flow, Message<byte[]> message) {
    Name name = new Name(flow, ParkingLot.groupOf(flow, message));
    return locked(
        () -> {
          Lane lane = lanes.get(name);
          if (lane == null) {
            return false;
          }
          requireRoom();
          add(lane, message, null);
          return true;
        });
  }

  private void requireRoom() {
    if (size >= maxMessages) {
      throw StoreFailed.temporary(
          "memory", "full (expected: at most " + maxMessages + " parked messages)", null);
    }
  }

  private long add(Lane lane, Message<byte[]> message, @Nullable String why) {
    for (Parked parked : lane.messages.values()) {
      if (parked.message().id().equals(message.id())) {
        return parked.place();
      }
    }
    size++;
    long place = ++lane.lastPlace;
    lane.messages.put(place, new Parked(place, message, why, clock.instant()));
    return place;
  }

  @Override
  public Flux<ParkedGroup> groups(String flow, int limit) {
    ParkingLot.requireLimit(limit);
    return locked(
            () ->
                lanes.entrySet().stream()
                    .filter(entry -> entry.getKey().flow().equals(flow))
                    .limit(limit)
                    .map(entry -> group(entry.getKey(), entry.getValue()))
                    .toList())
        .flatMapIterable(list -> list);
  }

  private ParkedGroup group(Name name, Lane lane) {
    return new ParkedGroup(
        name.flow(),
        name.group(),
        lane.draining,
        lane.messages.size(),
        lane.why,
        Duration.between(lane.since, clock.instant()));
  }

  @Override
  public Flux<Parked> list(String flow, String group, long after, int limit) {
    ParkingLot.requireLimit(limit);
    return locked(
            () -> {
              Lane lane = lanes.get(new Name(flow, group));
              return lane == null
                  ? List.<Parked>of()
                  : lane.messages.values().stream()
                      .filter(parked -> parked.place() > after)
                      .limit(limit)
                      .toList();
            })
        .flatMapIterable(list -> list);
  }

  @Override
  public Mono<Boolean> drop(String flow, String group, long place) {
    return locked(
        () -> {
          Lane lane = lanes.get(new Name(flow, group));
          return lane != null && !lane.draining && take(lane, place);
        });
  }

  private boolean take(Lane lane, long place) {
    boolean was = lane.messages.remove(place) != null;
    if (was) {
      size--;
    }
    return was;
  }

  @Override
  public Mono<Boolean> release(String flow, String group) {
    return locked(
        () -> {
          Lane lane = lanes.get(new Name(flow, group));
          if (lane == null || lane.draining) {
            return false;
          }
          lane.draining = true;
          return true;
        });
  }

  @Override
  public Mono<Claim> claim(String flow, Duration lease) {
    Require.positive("lease", lease);
    return locked(() -> claim(flow, lease, clock.instant())).flatMap(Mono::justOrEmpty);
  }

  private Optional<Claim> claim(String flow, Duration lease, Instant now) {
    for (Map.Entry<Name, Lane> entry : lanes.entrySet()) {
      Lane lane = entry.getValue();
      if (entry.getKey().flow().equals(flow) && lane.draining && !lane.until.isAfter(now)) {
        lane.token = UUID.randomUUID().toString();
        lane.until = Ends.of(now, lease);
        return Optional.of(new Claim(flow, entry.getKey().group(), lane.token));
      }
    }
    return Optional.empty();
  }

  private @Nullable Lane mine(Claim claim) {
    Lane lane = lanes.get(new Name(claim.flow(), claim.group()));
    return lane != null && lane.token.equals(claim.token()) ? lane : null;
  }

  /** Does something to the group if the claim is the caller's. */
  private Mono<Boolean> ifMine(Claim claim, Predicate<Lane> change) {
    Objects.requireNonNull(claim, "claim");
    return locked(
        () -> {
          Lane lane = mine(claim);
          return lane != null && change.test(lane);
        });
  }

  @Override
  public Mono<Boolean> renew(Claim claim, Duration lease) {
    Require.positive("lease", lease);
    return ifMine(
        claim,
        lane -> {
          lane.until = Ends.of(clock.instant(), lease);
          return true;
        });
  }

  @Override
  public Mono<Parked> first(Claim claim) {
    Objects.requireNonNull(claim, "claim");
    return locked(() -> Optional.ofNullable(mine(claim)).flatMap(MemoryParkingLot::first))
        .flatMap(Mono::justOrEmpty);
  }

  private static Optional<Parked> first(Lane lane) {
    return lane.messages.values().stream().findFirst();
  }

  @Override
  public Mono<Boolean> remove(Claim claim, long place) {
    return ifMine(claim, lane -> take(lane, place));
  }

  @Override
  public Mono<Boolean> parkAgain(Claim claim, String why) {
    String reason = ParkingLot.shortened(why);
    return ifMine(
        claim,
        lane -> {
          lane.park(reason);
          return true;
        });
  }

  @Override
  public Mono<Boolean> open(Claim claim) {
    return ifMine(
        claim,
        lane ->
            lane.messages.isEmpty() && lanes.remove(new Name(claim.flow(), claim.group()), lane));
  }

  @Override
  public Mono<Boolean> giveBack(Claim claim) {
    return ifMine(
        claim,
        lane -> {
          lane.free();
          return true;
        });
  }
}
