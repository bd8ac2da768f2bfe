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
package dev.sluice.kafka.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import dev.sluice.kafka.chaos.Flight.Fate;
import dev.sluice.kafka.chaos.Judge.Book;
import dev.sluice.kafka.chaos.Judge.Commit;
import dev.sluice.kafka.chaos.Verdict.Fault;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The judge sees what is wrong with a ledger, and only that. */
class JudgeTest {

  private static final int[] FOUR = {4};

  private final List<Book> books = new ArrayList<>();
  private final List<Commit> commits = new ArrayList<>();

  /** Writes one member's ledger of key 0, whose records are alone in their partition. */
  private final class Pen {
    private final String book;
    private final List<Flight> flights = new ArrayList<>();

    Pen(String book) {
      this(book, false);
    }

    Pen(String book, boolean killed) {
      this.book = book;
      books.add(new Book(book, killed, flights));
    }

    Pen write(long epoch, int seq, long begin, long end, Fate fate) {
      flights.add(new Flight(book, 0, seq, 0, seq, epoch, begin, end, fate));
      return this;
    }

    Pen done(long epoch, int seq, long begin, long end) {
      return write(epoch, seq, begin, end, Fate.DONE);
    }
  }

  private Verdict verdict() {
    return Judge.of(FOUR).judge(books, commits);
  }

  @Test
  void aCleanRunHasNoFaults() {
    new Pen("a")
        .done(1, 0, 0, 10)
        .write(1, 1, 10, 20, Fate.FAILED)
        .done(1, 1, 25, 30)
        .write(1, 2, 30, 35, Fate.CANCELLED);
    new Pen("b").done(2, 2, 40, 50).done(2, 3, 50, 60);
    commits.add(new Commit(45, 0, 2));
    commits.add(new Commit(70, 0, 4));
    Verdict verdict = verdict();
    assertThat(verdict.faults()).isEmpty();
    assertThat(verdict.done()).isEqualTo(4);
    assertThat(verdict.duplicates()).isEmpty();
  }

  @Test
  void aRedeliveredSuffixIsNoFaultAndIsCountedByOwnership() {
    new Pen("a").done(1, 0, 0, 10).done(1, 1, 10, 20).done(1, 2, 20, 30);
    new Pen("b").done(4, 1, 40, 50).done(4, 2, 50, 60).done(4, 3, 60, 70);
    new Pen("a again").done(7, 3, 80, 90);
    Verdict verdict = verdict();
    assertThat(verdict.faults()).isEmpty();
    assertThat(verdict.duplicates()).containsExactly(entry(4L, 2), entry(7L, 1));
  }

  @Test
  void whatIsMissingAtTheEndIsLost() {
    new Pen("a").done(1, 0, 0, 10).done(1, 1, 10, 20).done(1, 2, 20, 30);
    assertThat(verdict().faults()).containsExactly(entry(Fault.LOST, 1));
  }

  @Test
  void whatIsMissingInTheMiddleIsLost() {
    new Pen("a").done(1, 0, 0, 10).done(1, 1, 10, 20);
    new Pen("b").done(2, 3, 30, 40);
    assertThat(verdict().faults())
        .containsExactly(entry(Fault.LOST, 1), entry(Fault.OUT_OF_ORDER, 1));
  }

  @Test
  void aKeyThatNobodyWorkedOnIsLost() {
    assertThat(verdict().faults()).containsExactly(entry(Fault.LOST, 4));
  }

  /** A worker that began, was killed and was not repeated has had no effect. */
  @Test
  void whatWasOnlyBegunIsLost() {
    new Pen("a", true)
        .done(1, 0, 0, 10)
        .done(1, 1, 10, 20)
        .done(1, 2, 20, 30)
        .write(1, 3, 30, 31, Fate.OPEN);
    assertThat(verdict().faults()).containsExactly(entry(Fault.LOST, 1));
  }

  @Test
  void whatNobodySentIsUnknown() {
    new Pen("a")
        .done(1, 0, 0, 10)
        .done(1, 1, 10, 20)
        .done(1, 2, 20, 30)
        .done(1, 3, 30, 40)
        .done(1, 4, 40, 50);
    assertThat(verdict().faults()).containsExactly(entry(Fault.UNKNOWN, 1));
  }

  @Test
  void anOvertakingMessageIsOutOfOrder() {
    new Pen("a").done(1, 0, 0, 10).done(1, 2, 10, 20).done(1, 1, 20, 30).done(1, 3, 30, 40);
    assertThat(verdict().faults())
        .containsExactly(entry(Fault.OUT_OF_ORDER, 3), entry(Fault.NOT_A_SUFFIX, 3));
  }

  @Test
  void aNewOwnerThatBeginsTooFarOnIsOutOfOrder() {
    new Pen("a").done(1, 0, 0, 10);
    new Pen("b").done(2, 2, 20, 30).done(2, 3, 30, 40);
    new Pen("c").done(3, 1, 50, 60).done(3, 2, 60, 70).done(3, 3, 70, 80);
    Verdict verdict = verdict();
    assertThat(verdict.faults()).containsExactly(entry(Fault.OUT_OF_ORDER, 2));
    assertThat(verdict.duplicates()).containsExactly(entry(3L, 2));
  }

  @Test
  void aRepetitionWithinOneOwnershipIsNoSuffix() {
    new Pen("a").done(1, 0, 0, 10).done(1, 1, 10, 20).done(1, 1, 20, 30).done(1, 2, 30, 40);
    new Pen("b").done(2, 3, 50, 60);
    Verdict verdict = verdict();
    assertThat(verdict.faults()).containsExactly(entry(Fault.NOT_A_SUFFIX, 1));
    assertThat(verdict.duplicates()).containsExactly(entry(1L, 1));
  }

  @Test
  void aRepetitionWithAGapIsNoSuffix() {
    new Pen("a").done(1, 0, 0, 10).done(1, 1, 10, 20).done(1, 2, 20, 30).done(1, 3, 30, 40);
    new Pen("b").done(2, 1, 50, 60).done(2, 3, 60, 70);
    assertThat(verdict().faults()).containsExactly(entry(Fault.NOT_A_SUFFIX, 1));
  }

  @Test
  void goingOnAfterAFailureWithoutAnotherAttemptIsNoSuffix() {
    new Pen("a").done(1, 0, 0, 10).write(1, 1, 10, 20, Fate.FAILED).done(1, 2, 20, 30);
    new Pen("b").done(2, 1, 40, 50).done(2, 2, 50, 60).done(2, 3, 60, 70);
    assertThat(verdict().faults())
        .containsEntry(Fault.NOT_A_SUFFIX, 1)
        .containsEntry(Fault.OUT_OF_ORDER, 3);
  }

  @Test
  void goingOnAfterACancelIsNoSuffix() {
    new Pen("a").done(1, 0, 0, 10).write(1, 1, 10, 20, Fate.CANCELLED).done(1, 1, 20, 30);
    new Pen("b").done(2, 2, 50, 60).done(2, 3, 60, 70);
    assertThat(verdict().faults()).containsExactly(entry(Fault.NOT_A_SUFFIX, 1));
  }

  @Test
  void twoRunsAtATimeInOneMemberOverlap() {
    new Pen("a").done(1, 0, 0, 10).done(1, 1, 9, 20).done(1, 2, 20, 30).done(1, 3, 30, 40);
    assertThat(verdict().faults()).containsExactly(entry(Fault.OVERLAP, 1));
  }

  @Test
  void twoRunsAtATimeInTwoMembersOverlap() {
    new Pen("a").done(1, 0, 0, 10).done(1, 1, 10, 30);
    new Pen("b").done(2, 1, 29, 35).done(2, 2, 35, 40).done(2, 3, 40, 50);
    Verdict verdict = verdict();
    assertThat(verdict.faults()).containsExactly(entry(Fault.OVERLAP, 1));
    assertThat(verdict.duplicates()).containsExactly(entry(2L, 1));
  }

  @Test
  void aRunThatIsCancelledTooLateOverlaps() {
    new Pen("a").done(1, 0, 0, 10).write(1, 1, 10, 50, Fate.CANCELLED);
    new Pen("b").done(2, 1, 29, 35).done(2, 2, 35, 40).done(2, 3, 40, 50);
    assertThat(verdict().faults()).containsExactly(entry(Fault.OVERLAP, 3));
  }

  @Test
  void aRunThatAKillCutOffLastedUntilTheLastSignOfLife() {
    new Pen("a", true).done(1, 0, 0, 10).write(1, 1, 10, 25, Fate.OPEN);
    new Pen("b").done(2, 1, 24, 35).done(2, 2, 35, 40).done(2, 3, 40, 50);
    assertThat(verdict().faults()).containsExactly(entry(Fault.OVERLAP, 1));
  }

  @Test
  void aRunWithoutAnEndIsUnfinishedUnlessItsMemberWasKilled() {
    new Pen("a").done(1, 0, 0, 10).write(1, 1, 10, 20, Fate.OPEN);
    new Pen("b").done(2, 1, 30, 35).done(2, 2, 35, 40).done(2, 3, 40, 50);
    assertThat(verdict().faults()).containsExactly(entry(Fault.UNFINISHED, 1));
  }

  @Test
  void anOffsetThatIsCommittedBeforeTheWorkIsDoneIsEarly() {
    new Pen("a").done(1, 0, 0, 10).done(1, 1, 10, 20).done(1, 2, 20, 30).done(1, 3, 30, 40);
    commits.add(new Commit(21, 0, 2));
    commits.add(new Commit(29, 0, 3));
    assertThat(verdict().faults()).containsExactly(entry(Fault.COMMITTED_EARLY, 1));
  }

  @Test
  void anOffsetThatGoesBackIsSeen() {
    new Pen("a").done(1, 0, 0, 10).done(1, 1, 10, 20).done(1, 2, 20, 30).done(1, 3, 30, 40);
    commits.add(new Commit(41, 0, 3));
    commits.add(new Commit(42, 0, 2));
    commits.add(new Commit(43, 0, 4));
    assertThat(verdict().faults()).containsExactly(entry(Fault.COMMITTED_BACKWARDS, 1));
  }

  /** a was frozen from 15 on, and did not know that b took over when it woke up. */
  private void freeze() {
    new Pen("a").done(1, 0, 0, 10).done(1, 1, 10, 90).done(1, 2, 90, 95);
    new Pen("b").done(2, 1, 40, 50).done(2, 2, 50, 60).done(2, 3, 60, 70);
  }

  @Test
  void withoutAFenceTheWorkOfAFrozenMemberOverlaps() {
    freeze();
    assertThat(verdict().faults()).containsExactly(entry(Fault.OVERLAP, 3));
  }

  @Test
  void aFenceKeepsOutTheWorkOfAnEarlierOwnership() {
    freeze();
    Verdict verdict = Judge.of(FOUR).behindAFence().judge(books, commits);
    assertThat(verdict.faults()).isEmpty();
    assertThat(verdict.duplicates()).isEmpty();
    assertThat(verdict.fenced()).extracting(Flight::book).containsExactly("a", "a");
  }

  /** The new owner skips what only the stale run had done. */
  @Test
  void behindAFenceStaleWorkIsNotProgress() {
    new Pen("a").done(1, 0, 0, 10).done(1, 1, 10, 90);
    new Pen("b").done(2, 2, 50, 60).done(2, 3, 60, 70);
    Verdict verdict = Judge.of(FOUR).behindAFence().judge(books, commits);
    assertThat(verdict.faults())
        .containsExactly(entry(Fault.LOST, 1), entry(Fault.OUT_OF_ORDER, 1));
  }

  @Test
  void behindAFenceACommitOfStaleWorkIsEarly() {
    freeze();
    commits.add(new Commit(45, 0, 2)); // by then only the frozen run has been at offset 1
    Verdict verdict = Judge.of(FOUR).behindAFence().judge(books, commits);
    assertThat(verdict.faults()).containsExactly(entry(Fault.COMMITTED_EARLY, 1));
  }
}
