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
package dev.sluice.store;

import dev.sluice.message.Message;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Groups that must not go on: a message of each has failed, and it and all that came after it wait
 * here, in their order, until somebody releases the group. Each flow has groups of its own.
 *
 * <p>A group is <em>open</em> unless it is here; <em>parked</em> from the first {@link #park} until
 * {@link #release}; then <em>draining</em>, while one flow that has {@linkplain #claim claimed} it
 * works on what is here, one message after the other, and what arrives meanwhile still parks behind
 * it; and open again when {@link #open} finds nothing left. A message that fails again parks the
 * group again, with everything in its place.
 *
 * <p>A message is here once, however often it is parked: it is recognised by its id.
 *
 * <p>An operation begins when it is subscribed to, anew for each subscription; an argument that is
 * out of range is an {@link IllegalArgumentException} of the call. For every operation:
 *
 * <dl>
 *   <dt>Emits
 *   <dd>what it says, as soon as it is durable
 *   <dt>Backpressure
 *   <dd>what emits many holds at most as many as were asked for
 *   <dt>Completes/Errors
 *   <dd>fails with {@link StoreFailed} when the store could not be asked; whether the operation has
 *       taken effect is then unknown, and it may be repeated
 *   <dt>Cancel
 *   <dd>ends the waiting, not the operation
 *   <dt>Discard
 *   <dd>nothing to discard
 *   <dt>Threads
 *   <dd>on a scheduler of the store, or, if it answers without waiting as those in memory do, on
 *       the thread that subscribes
 * </dl>
 */
public interface ParkingLot {

  /** The longest name of a flow, in characters. */
  int MAX_FLOW = 200;

  /** The most that {@link #groups} and {@link #list} give at once. */
  int MAX_LIMIT = 1_000;

  /**
   * A group that is not open.
   *
   * @param isDraining whether it was released
   * @param messages how many of it are here
   * @param why what was wrong with the message that failed last
   * @param age since when it is not open, by the store's clock
   */
  record ParkedGroup(
      String flow, String group, boolean isDraining, long messages, String why, Duration age) {

    public ParkedGroup {
      Objects.requireNonNull(flow, "flow");
      Objects.requireNonNull(group, "group");
      Objects.requireNonNull(why, "why");
      Objects.requireNonNull(age, "age");
    }
  }

  /**
   * A message that is here.
   *
   * @param place its place in the group: the ones before it have lower ones
   * @param message as it came
   * @param why what was wrong with it; null if it only came after one that failed
   * @param parkedAt when the store took it, by the store's clock
   */
  record Parked(long place, Message<byte[]> message, @Nullable String why, Instant parkedAt) {

    public Parked {
      Objects.requireNonNull(message, "message");
      Objects.requireNonNull(parkedAt, "parkedAt");
    }
  }

  /**
   * A draining group that one has alone.
   *
   * @param token what proves it to the store
   */
  record Claim(String flow, String group, String token) {

    public Claim {
      Objects.requireNonNull(flow, "flow");
      Objects.requireNonNull(group, "group");
      Objects.requireNonNull(token, "token");
    }
  }

  // == what a flow does when something fails ==

  /**
   * Puts a message that has failed behind those of its group, which is parked from now on, also if
   * it was draining.
   *
   * @param flow the name of the flow, 1 to {@value #MAX_FLOW} characters
   * @param message one that has a group
   * @param why what was wrong; at most 512 characters are kept
   * @return its place
   * @throws IllegalArgumentException if the message has no group, or the name is out of range
   */
  Mono<Long> park(String flow, Message<byte[]> message, String why);

  /** Those of the groups that are not open. */
  Flux<String> parked(String flow, Collection<String> groups);

  /**
   * Puts a message behind those of its group, unless that is open.
   *
   * @return whether it is here; if not, the group is open, and the message the caller's
   * @throws IllegalArgumentException as {@link #park}
   */
  Mono<Boolean> parkBehind(String flow, Message<byte[]> message);

  // == what somebody does about it ==

  /**
   * The groups that are not open, the oldest first.
   *
   * @param limit how many at most, 1..{@value #MAX_LIMIT}
   */
  Flux<ParkedGroup> groups(String flow, int limit);

  /**
   * The messages of a group, in their order.
   *
   * @param after only those whose place is behind that; 0 for all
   * @param limit how many at most, 1..{@value #MAX_LIMIT}
   */
  Flux<Parked> list(String flow, String group, long after, int limit);

  /**
   * Forgets a message of a parked group: nobody will ever work on it.
   *
   * @return whether it was there and its group parked
   */
  Mono<Boolean> drop(String flow, String group, long place);

  /**
   * Lets the flow work on the group again, from its first message on.
   *
   * @return whether the group was parked
   */
  Mono<Boolean> release(String flow, String group);

  // == what a flow does when a group was released ==

  /**
   * Claims a group that is draining and that nobody has, the oldest first; empty if there is none.
   *
   * @param lease for how long, more than zero
   */
  Mono<Claim> claim(String flow, Duration lease);

  /**
   * Keeps a claim.
   *
   * @return whether it was still the caller's
   */
  Mono<Boolean> renew(Claim claim, Duration lease);

  /** The first message of the group; empty if there is none, or the claim is not the caller's. */
  Mono<Parked> first(Claim claim);

  /**
   * Removes a message that is done.
   *
   * @return whether it was there and the claim the caller's
   */
  Mono<Boolean> remove(Claim claim, long place);

  /**
   * Parks the group again, because its first message has failed again, and gives the claim up.
   *
   * @param why as {@link #park}
   * @return whether the claim was the caller's
   */
  Mono<Boolean> parkAgain(Claim claim, String why);

  /**
   * Opens the group if nothing of it is left.
   *
   * @return whether it is open; if not, something has come, or the claim is not the caller's
   */
  Mono<Boolean> open(Claim claim);

  /**
   * Gives a claim up, so that the group may be claimed at once.
   *
   * @return whether it was the caller's
   */
  Mono<Boolean> giveBack(Claim claim);

  /**
   * Checks the arguments of {@link #park}, and tells the group. For stores.
   *
   * @throws IllegalArgumentException as {@link #park}
   */
  static String groupOf(String flow, Message<byte[]> message) {
    if (flow.isEmpty() || flow.length() > MAX_FLOW) {
      throw new IllegalArgumentException(
          "flow: " + flow.length() + " characters (expected: 1.." + MAX_FLOW + ")");
    }
    String group = message.group();
    if (group == null) {
      throw new IllegalArgumentException("group: null (expected: a message that has one)");
    }
    return group;
  }

  /** What is kept of a reason. For stores. */
  static String shortened(String why) {
    String clean = why.replace('\0', ' ');
    return clean.length() <= 512 ? clean : clean.substring(0, 512);
  }

  /**
   * Checks a limit. For stores.
   *
   * @throws IllegalArgumentException if it is out of range
   */
  static int requireLimit(int limit) {
    if (limit < 1 || limit > MAX_LIMIT) {
      throw new IllegalArgumentException("limit: " + limit + " (expected: 1.." + MAX_LIMIT + ")");
    }
    return limit;
  }
}
