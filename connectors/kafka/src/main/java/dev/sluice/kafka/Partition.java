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
package dev.sluice.kafka;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * One partition for one period of ownership. When it comes back to the same member after a
 * rebalance, that is another object.
 */
final class Partition {

  /*
   * Threads: the poll thread creates it, admits records, commits and ends it. The emitter takes
   * records out. Deliveries are settled by any thread.
   *
   * window             see there
   * held               written by the poll thread
   * bytes              of records admitted and not settled: the poll thread adds, others subtract
   * waiting, returned  emitter only: records not yet delivered, and those to be delivered again
   * listed             emitter only: whether the emitter has it in its round
   * out                deliveries not done. A delivery is added before `state` is read, and `state`
   *                    is written before `out` is read: a delivery is seen by the poll thread, or
   *                    sees that the partition is leaving
   * committed          written by the poll thread; any thread reads it after `state` is GONE
   * committedMap, committedAt, commitError   poll thread only: what became of the last commit
   * blocking           the oldest record that keeps a held partition from going on
   *
   * Invariants:
   *   I1  after LEAVING nothing is delivered; once fenced nothing is settled
   *   I2  committed never goes back and never passes an unsettled offset
   */

  private static final int OWNED = 0;
  private static final int LEAVING = 1;
  private static final int GONE = 2;

  private static final long NONE = -1;

  final TopicPartition id;
  final String name;
  final long epoch;
  final OffsetWindow window;
  private final int maxRecords;
  private final int maxBytes;
  private final Statistics meters;
  private final LongSupplier nanoTime;

  private final Queue<Arrival> waiting = new ArrayDeque<>();
  private final Queue<Arrival> returned =
      new PriorityQueue<>(Comparator.comparingLong((Arrival arrival) -> arrival.seq));
  boolean listed;

  private final Set<KafkaSettlement> out = ConcurrentHashMap.newKeySet();
  private final Queue<KafkaSettlement> awaitingDurability = new ConcurrentLinkedQueue<>();
  private volatile int state = OWNED;
  private volatile long committed;
  private String committedMap;
  private long committedAt;
  private @Nullable String commitError;
  private volatile boolean held;
  private volatile long blocking = NONE;

  private volatile long bytes;

  private static final AtomicLongFieldUpdater<Partition> BYTES =
      AtomicLongFieldUpdater.newUpdater(Partition.class, "bytes");

  /**
   * @param committed what the group has committed last, or null if nobody knows
   * @param epoch the period of ownership
   */
  Partition(
      TopicPartition id,
      long epoch,
      @Nullable OffsetAndMetadata committed,
      KafkaChannelSpec spec,
      Statistics meters,
      LongSupplier nanoTime) {
    this.id = id;
    this.name = id.topic() + '-' + id.partition();
    this.epoch = epoch;
    this.maxRecords = spec.highWatermark();
    this.maxBytes = spec.highWatermarkBytes();
    this.meters = meters;
    this.nanoTime = nanoTime;
    int capacity = spec.highWatermark() + spec.maxPollRecords();
    if (committed == null) {
      this.window = new OffsetWindow(OffsetWindow.UNKNOWN, OffsetMap.EMPTY, capacity, nanoTime);
      this.committedMap = "";
    } else {
      OffsetMap ahead =
          spec.ackAheadMap() == 0
              ? OffsetMap.EMPTY
              : OffsetMap.read(id, committed.offset(), committed.metadata());
      this.window = new OffsetWindow(committed.offset(), ahead, capacity, nanoTime);
      this.committedMap = ahead == OffsetMap.EMPTY ? "" : committed.metadata();
    }
    this.committed = window.frontier();
    this.committedAt = nanoTime.getAsLong();
  }

  // == poll thread: intake ==

  /** Nothing more is delivered from here on; what is out can still be settled. */
  void leave() {
    state = LEAVING;
  }

  boolean isIdle() {
    return out.isEmpty();
  }

  /** The record becomes an arrival; null if it is not new here, or settled already. */
  @Nullable Arrival admit(ConsumerRecord<byte[], ?> record) {
    long seq = window.admit(record.offset());
    if (seq == OffsetWindow.SETTLED) {
      meters.skipped.increment();
      return null;
    }
    if (seq == OffsetWindow.REFUSED) {
      return null;
    }
    Arrival arrival = new Arrival(this, seq, record);
    BYTES.addAndGet(this, arrival.size);
    return arrival;
  }

  boolean isHeld() {
    return held;
  }

  void hold(boolean hold) {
    held = hold;
    blocking = NONE;
  }

  /**
   * Whether so many records follow the oldest unsettled one, or unsettled ones take so much room.
   */
  boolean isFull() {
    return window.used() >= maxRecords || bytes >= maxBytes;
  }

  /** Whether a held partition may go on. If not, whoever makes the room is told to say so. */
  boolean hasRoom() {
    if (isHalfFull()) {
      blocking = window.oldest();
      return !isHalfFull(); // it may have been settled in between
    }
    return true;
  }

  private boolean isHalfFull() {
    return window.used() > maxRecords / 2 || bytes > maxBytes / 2;
  }

  // == poll thread: commits ==

  /** The next offset of the group, as far as the broker has confirmed it. */
  long committed() {
    return committed;
  }

  /**
   * What a commit would say now; null while nobody knows where the group is.
   *
   * @param mapLength how long the map of what is settled ahead may be
   */
  @Nullable OffsetAndMetadata progress(int mapLength) {
    long frontier = window.frontier();
    if (frontier == OffsetWindow.UNKNOWN) {
      return null;
    }
    String map = mapLength == 0 ? "" : window.settledAhead().write(id, frontier, mapLength);
    return new OffsetAndMetadata(frontier, map);
  }

  /** Whether the broker does not know that yet. */
  boolean isNews(OffsetAndMetadata progress) {
    return progress.offset() > committed || !progress.metadata().equals(committedMap);
  }

  Duration sinceCommit() {
    return Duration.ofNanos(nanoTime.getAsLong() - committedAt);
  }

  /** The broker has confirmed a commit. */
  void committed(OffsetAndMetadata confirmed) {
    long offset = confirmed.offset();
    if (offset < committed) {
      return; // an answer that was overtaken by a later commit's
    }
    commitError = null;
    committedMap = confirmed.metadata();
    committedAt = nanoTime.getAsLong();
    if (offset == committed) {
      return;
    }
    committed = offset;
    for (int n = awaitingDurability.size(); n > 0; n--) {
      KafkaSettlement settlement = awaitingDurability.poll();
      if (settlement != null && !settlement.tellIfDurable(offset)) {
        awaitingDurability.add(settlement);
      }
    }
  }

  /** A commit did not succeed; the next one covers it. */
  void notCommitted(Exception error) {
    commitError = error.toString();
  }

  KafkaGauges.OfPartition gauges(boolean paused) {
    return new KafkaGauges.OfPartition(
        id.topic(),
        id.partition(),
        epoch,
        committed,
        window.frontier(),
        window.position(),
        window.used(),
        maxRecords,
        bytes,
        maxBytes,
        window.inFlight(),
        window.oldestAge(),
        paused,
        sinceCommit(),
        commitError);
  }

  /**
   * Fences the window: what is not settled is lost, and its workers hear of it now. The frontier
   * does not move any more, and may be committed a last time.
   */
  void fence() {
    state = LEAVING;
    window.close();
    // The last first: when the worker of one is cancelled, those behind it in its group are lost.
    out.stream()
        .filter(settlement -> window.isFenced(settlement.arrival().seq))
        .sorted(Comparator.comparingLong((KafkaSettlement s) -> s.arrival().seq).reversed())
        .forEach(KafkaSettlement::lose);
  }

  /** Ends the ownership: what is settled, but not committed, is lost to whoever waits for it. */
  void end() {
    state = GONE;
    tellAwaiting();
  }

  // == emitter ==

  void add(Arrival arrival) {
    (arrival.delivered ? returned : waiting).add(arrival);
  }

  /** Records that come back were before all that wait. */
  @Nullable Arrival next() {
    Arrival again = returned.poll();
    return again != null ? again : waiting.poll();
  }

  void discard() {
    returned.clear();
    waiting.clear();
  }

  /** Whether the delivery may go out; if so it is counted until {@link #done}. */
  boolean begin(KafkaSettlement settlement) {
    out.add(settlement);
    if (state == OWNED) {
      return true;
    }
    out.remove(settlement);
    return false;
  }

  // == any thread ==

  boolean isOwned() {
    return state == OWNED;
  }

  /** Settles a record for good; false if the ownership has ended. */
  boolean settle(Arrival arrival) {
    if (!window.settle(arrival.seq)) {
      return false;
    }
    BYTES.addAndGet(this, -arrival.size);
    return true;
  }

  /** Whether a held partition may go on because this record has been settled. */
  boolean wasHeldBy(Arrival arrival) {
    long now = bytes;
    long low = maxBytes / 2;
    return held && (arrival.seq == blocking || (now <= low && now + arrival.size > low));
  }

  void done(KafkaSettlement settlement) {
    out.remove(settlement);
  }

  void awaitDurability(KafkaSettlement settlement) {
    awaitingDurability.add(settlement);
    if (state == GONE) {
      tellAwaiting();
    } else {
      settlement.tellIfDurable(committed);
    }
  }

  private void tellAwaiting() {
    for (KafkaSettlement s; (s = awaitingDurability.poll()) != null; ) {
      if (!s.tellIfDurable(committed)) {
        s.lose();
      }
    }
  }
}
