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

import dev.sluice.channel.BrowseQuery;
import dev.sluice.channel.Waiting;
import dev.sluice.message.Message;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The messages of a channel: which one is next, which ones are out, which ones sleep. Arithmetic
 * without signals and without a clock; times are nanoseconds on whatever clock the caller has.
 *
 * <p>Not thread-safe: the channel guards it.
 */
final class GroupQueues {

  /*
   * A lane is what can be claimed: the messages of a group in their order, or one message without a
   * group. Its head decides its urgency: priority first, then arrival.
   *
   * Invariants:
   *   I1  a lane has a head; a lane that has run empty is forgotten at once
   *   I2  a lane is in exactly one place: ready, asleep, or claimed. So at most one message of a
   *       group is out, and it is the head
   *   I3  the head of a lane that is ready or asleep does not change, so the heaps stay in order
   *   I4  a claim is current while its lane points to it; of anything else nothing has an effect
   *   I5  every claim gets the same lease, so leases in order of claiming end in that order
   */

  /** Later than any time. */
  static final long NEVER = Long.MAX_VALUE;

  private static final Duration LONGEST = Duration.ofDays(100 * 365);

  /** A message that was handed out, until it is consumed or given back. */
  static final class Claim {

    final long position;
    final Message<byte[]> message;

    /** Which attempt this is, from 1. */
    final int attempt;

    /** Higher than that of every earlier claim. */
    final long fence;

    private final Lane lane;
    private final long leaseEnd;

    /** What to call, outside the guard, when the lease has ended. */
    @Nullable Runnable whenLost;

    private Claim(Lane lane, long fence, long leaseEnd) {
      Entry head = lane.head;
      this.lane = lane;
      this.position = head.position;
      this.message = head.message;
      this.attempt = head.attempts;
      this.fence = fence;
      this.leaseEnd = leaseEnd;
    }

    private boolean isCurrent() {
      return lane.claim == this;
    }
  }

  private static final class Entry {
    final long position;
    final Message<byte[]> message;
    int attempts;
    @Nullable Entry next;

    Entry(long position, Message<byte[]> message) {
      this.position = position;
      this.message = message;
    }
  }

  private static final class Lane {
    final @Nullable String group;
    Entry head;
    Entry tail;
    long wakeAt;
    @Nullable Claim claim;

    Lane(@Nullable String group, Entry only) {
      this.group = group;
      this.head = only;
      this.tail = only;
    }

    boolean isOut() {
      return claim != null;
    }

    /** The first message that is not out. */
    @Nullable Entry firstWaiting() {
      return isOut() ? head.next : head;
    }

    private static int urgency(Lane a, Lane b) {
      int byPriority = Integer.compare(b.head.message.priority(), a.head.message.priority());
      return byPriority != 0 ? byPriority : Long.compare(a.head.position, b.head.position);
    }
  }

  private final Map<String, Lane> groups = new HashMap<>();
  private final PriorityQueue<Lane> ready = new PriorityQueue<>(Lane::urgency);
  private final PriorityQueue<Lane> asleep =
      new PriorityQueue<>(Comparator.comparingLong(lane -> lane.wakeAt));
  private final Set<Claim> leases = new LinkedHashSet<>();

  private long lastPosition;
  private long lastFence;
  private int size;
  private int out;

  /** A duration in nanoseconds, so that a time plus it is still a time: at most 100 years. */
  static long nanos(Duration duration) {
    return duration.compareTo(LONGEST) < 0 ? duration.toNanos() : LONGEST.toNanos();
  }

  /** Adds a message behind those of its group; returns its position. */
  long add(Message<byte[]> message) {
    Entry entry = new Entry(++lastPosition, message);
    size++;
    String group = message.group();
    Lane lane = group == null ? null : groups.get(group);
    if (lane == null) {
      lane = new Lane(group, entry);
      if (group != null) {
        groups.put(group, lane);
      }
      ready.add(lane);
    } else {
      lane.tail.next = entry;
      lane.tail = entry;
    }
    return entry.position;
  }

  /** Hands out the most urgent message that is ready, or null. The attempt is counted here. */
  @Nullable Claim claim(long leaseEnd) {
    Lane lane = ready.poll();
    if (lane == null) {
      return null;
    }
    lane.head.attempts++;
    Claim claim = new Claim(lane, ++lastFence, leaseEnd);
    lane.claim = claim;
    leases.add(claim);
    out++;
    return claim;
  }

  /** Removes the message; false if the claim is not current any more. */
  boolean consume(Claim claim) {
    if (!end(claim)) {
      return false;
    }
    size--;
    Lane lane = claim.lane;
    Entry next = lane.head.next;
    if (next != null) {
      lane.head = next;
      ready.add(lane);
    } else if (lane.group != null) {
      groups.remove(lane.group);
    }
    return true;
  }

  /**
   * Puts the message back where it was; false if the claim is not current any more.
   *
   * @param wakeAt when it may be claimed again, if that is after {@code now}
   * @param counted whether the attempt counts
   */
  boolean giveBack(Claim claim, long now, long wakeAt, boolean counted) {
    if (!end(claim)) {
      return false;
    }
    Lane lane = claim.lane;
    if (!counted) {
      lane.head.attempts--;
    }
    if (wakeAt > now) {
      lane.wakeAt = wakeAt;
      asleep.add(lane);
    } else {
      ready.add(lane);
    }
    return true;
  }

  /** Lets the claim outlive its lease; false if it is not current any more. */
  boolean hold(Claim claim) {
    leases.remove(claim);
    return claim.isCurrent();
  }

  /** Makes ready what has slept long enough. */
  void wake(long now) {
    for (Lane lane = asleep.peek(); lane != null && lane.wakeAt <= now; lane = asleep.peek()) {
      ready.add(asleep.remove());
    }
  }

  /** Gives back the messages whose lease has ended, counted; returns their claims. */
  List<Claim> expire(long now) {
    List<Claim> expired = new ArrayList<>();
    for (Claim claim : leases) {
      if (claim.leaseEnd > now) {
        break; // I5
      }
      expired.add(claim);
    }
    expired.forEach(claim -> giveBack(claim, now, now, true));
    return expired;
  }

  /** When {@link #wake} or {@link #expire} will next have something to do, or {@link #NEVER}. */
  long nextDeadline() {
    long wakeAt = asleep.isEmpty() ? NEVER : asleep.element().wakeAt;
    long leaseEnd = leases.isEmpty() ? NEVER : leases.iterator().next().leaseEnd;
    return Math.min(wakeAt, leaseEnd);
  }

  /** What is not out, as far as it is meant: the first that follow a position, by position. */
  List<Waiting> waiting(BrowseQuery query, long after, long now) {
    PriorityQueue<Waiting> first =
        new PriorityQueue<>(Comparator.<Waiting>comparingLong(GroupQueues::position).reversed());
    Stream.of(ready.stream(), asleep.stream(), groups.values().stream().filter(Lane::isOut))
        .flatMap(lanes -> lanes)
        .forEach(
            lane -> {
              Duration rest = Duration.ofNanos(Math.max(0, lane.wakeAt - now));
              for (Entry e = lane.firstWaiting(); e != null; e = e.next) {
                if (e.position > after && isMeant(query, e.message)) {
                  first.add(new Waiting(e.message, Long.toString(e.position), e.attempts, rest));
                  if (first.size() > query.limit()) {
                    first.remove();
                  }
                }
              }
            });
    List<Waiting> waiting = new ArrayList<>(first);
    waiting.sort(Comparator.comparingLong(GroupQueues::position));
    return waiting;
  }

  private static boolean isMeant(BrowseQuery query, Message<byte[]> message) {
    return (query.messageId() == null || query.messageId().equals(message.id()))
        && (query.type() == null || query.type().equals(message.type()))
        && (query.group() == null || query.group().equals(message.group()));
  }

  private static long position(Waiting waiting) {
    return Long.parseLong(waiting.position());
  }

  /** The position that a text names. */
  static long parse(String text) {
    if (!text.matches("[0-9]{1,18}")) {
      throw new IllegalArgumentException(
          "after: \"" + text + "\" (expected: the position of a message)");
    }
    return Long.parseLong(text);
  }

  /** All messages, those that are out included. */
  int size() {
    return size;
  }

  /** The messages that were handed out. */
  int out() {
    return out;
  }

  /** How many messages can be claimed now. */
  int ready() {
    return ready.size();
  }

  /** How many messages, or groups with all that wait in them, sleep. */
  int asleep() {
    return asleep.size();
  }

  /** How many groups have messages. */
  int groups() {
    return groups.size();
  }

  private boolean end(Claim claim) {
    if (!claim.isCurrent()) {
      return false;
    }
    claim.lane.claim = null;
    leases.remove(claim);
    out--;
    return true;
  }
}
