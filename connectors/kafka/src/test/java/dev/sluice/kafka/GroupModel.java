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

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetCommitCallback;
import org.apache.kafka.clients.consumer.RetriableCommitFailedException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;

/**
 * A group of two members on one partition, step by step and in any order: one member is ours, as it
 * is from the poll on ({@link Assignment} and what is under it), the other one and the broker are a
 * model. After each step the model looks whether what has been promised holds.
 *
 * <p>A step is a number, from which everything that happens in it follows, so that a list of
 * numbers can be run again, and made shorter.
 */
final class GroupModel {

  /** A mistake that somebody might make. It is made here, around the code that is without it. */
  enum Bug {
    /** Commits what was polled last, not what is settled without a gap. */
    COMMITS_THE_HIGHEST_SEEN,
    /** Takes a commit for done when it is sent. */
    BELIEVES_A_COMMIT_BEFORE_ITS_CALLBACK,
    /** Lets a decision of a former ownership count for the record that came again. */
    FORGETS_THE_EPOCH,
    /** Takes records that were polled in a former ownership into the new one. */
    ADMITS_STALE_RECORDS,
    /** Says of each run that it begins one offset earlier. */
    SHIFTS_THE_MAP,
    /** Says of each run that it ends one offset later. */
    STRETCHES_THE_MAP,
    /** Reads on at another offset than the one that the window begins with. */
    GOES_ON_ELSEWHERE,
    /** Leaves a partition paused that has room again. */
    NEVER_RESUMES
  }

  private static final TopicPartition ID = new TopicPartition("bags", 0);
  private static final int HIGH = 8;
  private static final int POLL = 4;

  private final Set<Bug> bugs;
  private final KafkaChannelSpec spec;
  private final AtomicLong nanos = new AtomicLong();
  private final List<String> trace = new ArrayList<>();

  // The log, and what is true about it.
  private final NavigableSet<Long> log = new TreeSet<>();
  private final Set<Long> finished = new HashSet<>();
  private long logEnd;

  // The broker.
  private @Nullable OffsetAndMetadata committed;
  private @Nullable OffsetAndMetadata before;
  private int generation;

  // Our member.
  private Statistics meters = new Statistics();
  private Assignment assignment;
  private Member consumer = new Member();
  private Pauses pauses = new Pauses(consumer);
  private boolean owner;
  private boolean located;
  private long start;
  private long position;
  private OffsetMap inherited = OffsetMap.EMPTY;
  private final Set<Long> settledHere = new HashSet<>();
  private final List<Arrival> out = new ArrayList<>();
  private final List<Arrival> ended = new ArrayList<>();
  private final List<ConsumerRecord<byte[], Object>> buffered = new ArrayList<>();

  private GroupModel(Set<Bug> bugs, Random random) {
    this.bugs = bugs;
    int[] rooms = {0, 11, 13, 3_000};
    this.spec =
        KafkaChannelSpec.DEFAULT
            .group("loaders")
            .highWatermark(HIGH)
            .maxPollRecords(POLL)
            .commitEvery(1 + random.nextInt(4))
            .ackAheadMap(rooms[random.nextInt(rooms.length)])
            .revokeDrain(Duration.ZERO);
    this.assignment = new Assignment(spec, meters, nanos::get);
    this.logEnd = random.nextInt(3);
  }

  /** Runs the steps and then everything to its end; fails if a promise is broken. */
  static void run(long[] steps, Bug... bugs) {
    Set<Bug> made = EnumSet.noneOf(Bug.class);
    made.addAll(List.of(bugs));
    GroupModel model = new GroupModel(made, new Random(steps[0]));
    try {
      for (int i = 1; i < steps.length; i++) {
        model.step(new Random(steps[i]));
        model.check();
      }
      model.finish();
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError(
          e.getMessage() + "\nafter " + String.join("\n      ", model.trace), e);
    }
  }

  // == steps ==

  private void step(Random random) {
    int dice = random.nextInt(100);
    if (dice < 10) {
      append(random);
    } else if (dice < 32) {
      poll(random);
    } else if (dice < 62) {
      settle(random);
    } else if (dice < 68) {
      settleAgain(random);
    } else if (dice < 78) {
      consumer.dice = random;
      consumer.answer();
    } else if (dice < 86) {
      later(random);
    } else if (dice < 89) {
      redeliver(random);
    } else if (owner && dice < 93) {
      revoke(random);
    } else if (owner && dice < 95) {
      lose();
    } else if (dice < 96) {
      crash();
    } else if (!owner && dice < 98) {
      assign();
    } else if (!owner) {
      otherMember(random);
    }
  }

  private void append(Random random) {
    for (int n = random.nextInt(6); n >= 0; n--) {
      logEnd += random.nextInt(4) == 0 ? random.nextInt(9) : 0; // never was, or was compacted away
      log.add(logEnd++);
    }
    trace.add("log up to " + logEnd);
  }

  private void poll(Random random) {
    assignment.beforePoll(consumer, pauses);
    if (!owner) {
      return;
    }
    if (!located) {
      assignment.begin(List.of(ID), consumer, pauses, new IllegalStateException("no offset"));
      return;
    }
    List<ConsumerRecord<byte[], Object>> records = new ArrayList<>();
    if (!consumer.paused) {
      int n = 1 + random.nextInt(POLL);
      for (long offset : log.tailSet(position)) {
        if (records.size() == n) {
          break;
        }
        records.add(record(offset));
        position = offset + 1;
      }
      if (log.tailSet(position).isEmpty()) {
        position = logEnd;
      }
    }
    buffered.addAll(records);
    polled(records, position);
    trace.add("polled " + offsets(records) + ", goes on at " + position);
  }

  private void polled(List<ConsumerRecord<byte[], Object>> records, long next) {
    assignment
        .polled(
            new ConsumerRecords<>(Map.of(ID, records), Map.of(ID, new OffsetAndMetadata(next))),
            pauses)
        .forEach(
            record -> {
              Arrival arrival = (Arrival) record.value();
              assertThat(settledHere).as("delivered once").doesNotContain(arrival.offset);
              assertThat(inherited.contains(arrival.offset)).as("known to be done").isFalse();
              out.add(arrival);
            });
  }

  /** Records of an earlier poll come out of some buffer, in this ownership or a later one. */
  private void redeliver(Random random) {
    if (!owner || !located || buffered.isEmpty()) {
      return;
    }
    int from = random.nextInt(buffered.size());
    List<ConsumerRecord<byte[], Object>> again =
        buffered.subList(from, Math.min(buffered.size(), from + POLL)).stream()
            .filter(record -> bugs.contains(Bug.ADMITS_STALE_RECORDS) || record.offset() < position)
            .toList();
    int before = out.size();
    polled(again, 0);
    trace.add("again " + offsets(again) + ", of which new: " + (out.size() - before));
  }

  private void settle(Random random) {
    if (out.isEmpty()) {
      return;
    }
    Arrival arrival = out.remove(random.nextInt(out.size()));
    finished.add(arrival.offset);
    settledHere.add(arrival.offset);
    assertThat(arrival.partition.settle(arrival)).as("settled %s", arrival.offset).isTrue();
    ended.add(arrival);
    trace.add("settled " + arrival.offset);
  }

  /** A second decision, or one for a partition that has gone: neither changes anything. */
  private void settleAgain(Random random) {
    if (ended.isEmpty()) {
      return;
    }
    Arrival arrival = ended.get(random.nextInt(ended.size()));
    assertThat(arrival.partition.settle(arrival)).as("settled again").isFalse();
    trace.add("settled again " + arrival.offset);
    if (bugs.contains(Bug.FORGETS_THE_EPOCH)) {
      out.stream()
          .filter(now -> now.offset == arrival.offset)
          .forEach(now -> now.partition.settle(now));
    }
  }

  private void later(Random random) {
    nanos.addAndGet(
        random.nextInt(20) == 0
            ? TimeUnit.HOURS.toNanos(25)
            : TimeUnit.MILLISECONDS.toNanos(random.nextInt(1_500)));
    trace.add("later");
  }

  private void assign() {
    generation++;
    owner = true;
    located = false;
    settledHere.clear();
    inherited =
        committed == null || spec.ackAheadMap() == 0
            ? OffsetMap.EMPTY
            : OffsetMap.read(ID, committed.offset(), committed.metadata());
    pauses.forget(List.of(ID));
    consumer.paused = false;
    assignment.assigned(List.of(ID), generation, consumer);
    trace.add("assigned, go on at " + (located ? position + " " + inherited : "the beginning"));
  }

  private void revoke(Random random) {
    consumer.dice = random;
    trace.add("revoked");
    assignment.revoked(List.of(ID), consumer);
    left();
  }

  private void lose() {
    trace.add("lost");
    generation++;
    left();
    assignment.lost(List.of(ID));
  }

  /** The member is gone without a word; its commits that are on their way have no one to tell. */
  private void crash() {
    trace.add("crashed");
    assignment = new Assignment(spec, meters, nanos::get);
    consumer = new Member();
    pauses = new Pauses(consumer);
    buffered.clear();
    left();
    ended.clear();
  }

  private void left() {
    generation++;
    owner = false;
    pauses.forget(List.of(ID));
    ended.addAll(out);
    out.clear();
  }

  /** Somebody else owns the partition for a while: another version, or another client. */
  private void otherMember(Random random) {
    generation++;
    OffsetMap map =
        committed == null
            ? OffsetMap.EMPTY
            : OffsetMap.read(ID, committed.offset(), committed.metadata());
    long start = committed == null ? 0 : committed.offset();
    int n = random.nextInt(8);
    OffsetMap.Builder ahead = new OffsetMap.Builder();
    long frontier = start;
    boolean stuck = false;
    for (long offset : log.tailSet(start)) {
      if (n-- == 0) {
        break;
      }
      if (map.contains(offset) || random.nextInt(4) > 0) {
        finished.add(offset);
        if (stuck) {
          ahead.add(offset, offset + 1);
        } else {
          frontier = offset + 1;
        }
      } else {
        stuck = true;
      }
    }
    String[] metadata = {
      "", "host-7", ahead.build().write(ID, frontier, 3_000), ahead.build().write(ID, start, 3_000)
    };
    committed = new OffsetAndMetadata(frontier, metadata[random.nextInt(metadata.length)]);
    trace.add("another member came to " + frontier);
  }

  /** Everything that is left is done, and nothing goes wrong any more. */
  private void finish() {
    trace.add("to the end");
    Random random = new Random(0);
    consumer.dice = null;
    if (!owner) {
      assign();
    }
    int turns = 3 * log.size() + 10;
    while (turns-- > 0 && (committed == null || committed.offset() < logEnd || consumer.paused)) {
      poll(random);
      while (!out.isEmpty()) {
        settle(random);
      }
      nanos.addAndGet(TimeUnit.SECONDS.toNanos(1));
      consumer.answer();
      check();
    }
    assertThat(finished).as("nothing is left out").containsAll(log);
    assertThat(committed).as("committed in the end").isNotNull();
    assertThat(committed.offset()).as("committed in the end").isEqualTo(logEnd);
    assertThat(consumer.paused).as("paused without a reason").isFalse();
  }

  // == promises ==

  private void check() {
    for (Partition partition : assignment.partitions()) {
      checkPartition(partition);
    }
    if (committed != before) {
      checkCommit(committed);
      before = committed;
    }
  }

  /** What the broker has is true, and never less than it was. */
  private void checkCommit(OffsetAndMetadata now) {
    long last = before == null ? 0 : before.offset();
    assertThat(now.offset()).as("the committed offset").isGreaterThanOrEqualTo(last);
    assertThat(finished).as("committed").containsAll(log.subSet(last, now.offset()));
    OffsetMap map = OffsetMap.read(ID, now.offset(), now.metadata());
    for (long offset : log.tailSet(now.offset())) {
      promise(finished.contains(offset) || !map.contains(offset), "in the map, not done", offset);
    }
  }

  /** The frontier and what is ahead of it are what was settled here or inherited, and no more. */
  private void checkPartition(Partition partition) {
    OffsetWindow window = partition.window;
    long frontier = window.frontier();
    long known = committed == null ? OffsetWindow.UNKNOWN : committed.offset();
    promise(partition.committed() <= known, "known as committed", partition.committed());
    promise(window.used() < HIGH + POLL, "records held", window.used());
    promise(window.inFlight() == out.size(), "unsettled", window.inFlight());
    long oldest = out.stream().mapToLong(a -> a.offset).min().orElse(window.position());
    promise(frontier == oldest, "the frontier", frontier);
    OffsetMap ahead = window.settledAhead();
    for (long offset : log.tailSet(start)) {
      boolean done = offset < frontier || ahead.contains(offset);
      boolean expected = settledHere.contains(offset) || inherited.contains(offset);
      promise(done == expected, "done or not", offset);
    }
  }

  private static void promise(boolean kept, String what, long number) {
    if (!kept) {
      throw new AssertionError(what + ": " + number);
    }
  }

  private static ConsumerRecord<byte[], Object> record(long offset) {
    return new ConsumerRecord<>(ID.topic(), ID.partition(), offset, new byte[0], new byte[0]);
  }

  private static List<Long> offsets(List<ConsumerRecord<byte[], Object>> records) {
    return records.stream().map(ConsumerRecord::offset).toList();
  }

  /** The client of our member, with the broker behind it. */
  private final class Member extends MockConsumer<byte[], Object> implements Pauses.Valve {

    /** What becomes of commits; null: nothing bad. */
    private @Nullable Random dice;

    private boolean paused;
    private @Nullable OffsetCommitCallback callback;
    private @Nullable Exception answer;

    Member() {
      super("none");
    }

    private int roll(int bound) {
      return dice == null ? 0 : dice.nextInt(bound);
    }

    @Override
    public synchronized void commitAsync(
        Map<TopicPartition, OffsetAndMetadata> offsets, OffsetCommitCallback callback) {
      assertThat(this.callback).as("a commit that is on its way").isNull();
      OffsetAndMetadata offset = seeded(offsets.get(ID));
      int fate = roll(10);
      boolean taken = owner && fate < 7;
      if (taken) {
        committed = offset;
      }
      if (!owner) {
        answer = new CommitFailedException();
      } else if (fate < 6) {
        answer = null;
      } else if (fate < 9) {
        answer = new RetriableCommitFailedException("no answer");
      } else {
        answer = new RebalanceInProgressException();
      }
      trace.add("commit " + text(offset) + (taken ? "" : ", not taken") + ", answer " + answer);
      if (bugs.contains(Bug.BELIEVES_A_COMMIT_BEFORE_ITS_CALLBACK)) {
        callback.onComplete(offsets, null);
      } else {
        this.callback = callback;
      }
    }

    void answer() {
      OffsetCommitCallback waiting = callback;
      if (waiting != null) {
        trace.add("answered");
        callback = null;
        waiting.onComplete(Map.of(), answer);
      }
    }

    @Override
    public synchronized void commitSync(
        Map<TopicPartition, OffsetAndMetadata> offsets, Duration timeout) {
      OffsetAndMetadata offset = seeded(offsets.get(ID));
      int fate = roll(8);
      trace.add("commit and wait " + text(offset) + ", fate " + fate);
      if (fate < 4) {
        committed = offset;
      }
      switch (fate) {
        case 3, 4 -> {
          nanos.addAndGet(TimeUnit.SECONDS.toNanos(2));
          throw new TimeoutException("no answer");
        }
        case 5 -> throw new WakeupException();
        case 6 -> throw new RebalanceInProgressException();
        case 7 -> throw new CommitFailedException();
        default -> {}
      }
    }

    private OffsetAndMetadata seeded(OffsetAndMetadata offset) {
      if (bugs.contains(Bug.COMMITS_THE_HIGHEST_SEEN)) {
        return new OffsetAndMetadata(Math.max(offset.offset(), position));
      }
      boolean shifts = bugs.contains(Bug.SHIFTS_THE_MAP);
      if (shifts || bugs.contains(Bug.STRETCHES_THE_MAP)) {
        OffsetMap map = OffsetMap.read(ID, offset.offset(), offset.metadata());
        OffsetMap.Builder wrong = new OffsetMap.Builder();
        for (long o = offset.offset(); o < logEnd; o++) {
          if (map.contains(o) || map.contains(shifts ? o + 1 : o - 1)) {
            wrong.add(o, o + 1);
          }
        }
        String metadata = wrong.build().write(ID, offset.offset(), 3_000);
        return new OffsetAndMetadata(offset.offset(), metadata);
      }
      return offset;
    }

    @Override
    public synchronized Map<TopicPartition, OffsetAndMetadata> committed(
        Set<TopicPartition> partitions, Duration timeout) {
      if (bugs.contains(Bug.ADMITS_STALE_RECORDS)) {
        seek(ID, committed == null ? new OffsetAndMetadata(0) : committed);
        return Map.of(); // so that the window does not know where it begins
      }
      Map<TopicPartition, OffsetAndMetadata> answer = new HashMap<>();
      answer.put(ID, committed);
      return answer;
    }

    @Override
    public void seek(TopicPartition partition, OffsetAndMetadata offset) {
      located = true;
      start = offset.offset();
      position = bugs.contains(Bug.GOES_ON_ELSEWHERE) ? start + 1 : start;
    }

    @Override
    public synchronized void seekToBeginning(Collection<TopicPartition> partitions) {
      located = true;
      start = 0;
      position = 0;
    }

    @Override
    public synchronized void pause(Collection<TopicPartition> partitions) {
      paused = true;
    }

    @Override
    public synchronized void resume(Collection<TopicPartition> partitions) {
      paused = bugs.contains(Bug.NEVER_RESUMES);
    }
  }

  private static String text(OffsetAndMetadata offset) {
    return offset.offset() + " " + OffsetMap.read(ID, offset.offset(), offset.metadata());
  }
}
