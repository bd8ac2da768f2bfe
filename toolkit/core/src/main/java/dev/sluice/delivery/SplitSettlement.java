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
package dev.sluice.delivery;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * One parent, many children: the parent is decided when the producer of the children has ended and
 * every child is decided, with the worst of their outcomes. No children is an Ack.
 *
 * <p>Thread-safe. The producer owns the guard: it must call {@link #producerDone} exactly when it
 * will ask for no more children.
 */
public final class SplitSettlement {

  /*
   * state   bit 31 CLOSED (the producer is done), below it the number of tokens: one for the
   *         producer, one for each open child
   * worst   the worst outcome so far
   * failed  the named children that did not succeed, newest first
   *
   * Invariants:
   *   I1  a child exists only while the producer is open, so the count never rises from 0
   *   I2  an outcome is joined to worst, and a name to failed, before its token is given back
   *   I3  the one who takes the count to 0 settles the parent, and sees every outcome (I2)
   */

  private static final int CLOSED = 0x8000_0000;

  /** How many children that failed are named in the rejection of their parent. */
  static final int MAX_NAMED = 64;

  /**
   * A child that failed.
   *
   * @param count how many there are with it
   */
  private record Failed(String id, int count, @Nullable Failed before) {}

  private final Settlement parent;

  private volatile int state = 1;

  private static final AtomicIntegerFieldUpdater<SplitSettlement> STATE =
      AtomicIntegerFieldUpdater.newUpdater(SplitSettlement.class, "state");

  private volatile Outcome worst = Outcome.ack();

  private static final AtomicReferenceFieldUpdater<SplitSettlement, Outcome> WORST =
      AtomicReferenceFieldUpdater.newUpdater(SplitSettlement.class, Outcome.class, "worst");

  private volatile @Nullable Failed failed;

  private static final AtomicReferenceFieldUpdater<SplitSettlement, Failed> FAILED =
      AtomicReferenceFieldUpdater.newUpdater(SplitSettlement.class, Failed.class, "failed");

  /** No child has been made yet. */
  public SplitSettlement(Settlement parent) {
    this.parent = Objects.requireNonNull(parent, "parent");
  }

  /**
   * A new child without a name.
   *
   * @see #child(String)
   */
  public @Nullable Settlement child() {
    return newChild(null);
  }

  /**
   * A new child, or null when the producer is done: then the element must be discarded.
   *
   * @param id names it in {@link Outcome.Reject#failedChildren()}, should the parent be rejected
   *     and the child not have succeeded; only the first {@value #MAX_NAMED} are named
   */
  public @Nullable Settlement child(String id) {
    return newChild(Objects.requireNonNull(id, "id"));
  }

  private @Nullable Settlement newChild(@Nullable String id) {
    for (; ; ) {
      int s = state;
      if ((s & CLOSED) != 0) {
        return null;
      }
      if (STATE.compareAndSet(this, s, s + 1)) {
        return new Child(this, id);
      }
    }
  }

  /** Whether a child has already ended badly, so that work for the others may be pointless. */
  public boolean doomed() {
    return !(worst instanceof Outcome.Ack);
  }

  /**
   * The producer asks for no more children. Only the first call counts.
   *
   * @param outcome how the producing itself went: Ack on completion, what the policy says on an
   *     error, Release on a cancel (a truncated split must never end as an Ack)
   */
  public void producerDone(Outcome outcome) {
    Objects.requireNonNull(outcome, "outcome");
    if ((STATE.getAndUpdate(this, s -> s | CLOSED) & CLOSED) == 0) {
      giveBack(outcome, Outcome.Reject.OTHERS);
    }
  }

  private void giveBack(Outcome outcome, @Nullable String id) {
    if (!(outcome instanceof Outcome.Ack)) {
      WORST.accumulateAndGet(this, outcome, Outcome::worse);
      if (id != null) {
        FAILED.updateAndGet(this, before -> new Failed(id, count(before) + 1, before));
      }
    }
    if ((STATE.decrementAndGet(this) & ~CLOSED) == 0) {
      parent.settle(result());
    }
  }

  private static int count(@Nullable Failed failed) {
    return failed == null ? 0 : failed.count();
  }

  private Outcome result() {
    return worst instanceof Outcome.Reject reject && count(failed) > 0
        ? reject.withFailedChildren(failedChildren())
        : worst;
  }

  /** In the order in which they failed. Empty if there are only parts that nobody can name. */
  private List<String> failedChildren() {
    Deque<String> names = new ArrayDeque<>();
    boolean others = count(failed) > MAX_NAMED;
    for (Failed f = failed; f != null; f = f.before()) {
      if (f.id().equals(Outcome.Reject.OTHERS)) {
        others = true;
      } else if (f.count() <= MAX_NAMED) {
        names.addFirst(f.id());
      }
    }
    if (others && !names.isEmpty()) {
      names.addLast(Outcome.Reject.OTHERS);
    }
    return List.copyOf(names);
  }

  /**
   * Done as soon as it is decided, because siblings may be queued behind it. Who waits for
   * durability or loss waits at the parent: nothing that the source keeps may refer to a child, or
   * the leak detector could not see that it was dropped.
   */
  private static final class Child extends SettlementCore {

    private final SplitSettlement split;
    private final @Nullable String id;

    Child(SplitSettlement split, @Nullable String id) {
      this.split = split;
      this.id = id;
    }

    @Override
    protected void onDecided(Outcome outcome) {
      markDone();
      split.giveBack(outcome, id);
    }

    @Override
    public boolean isLost() {
      return split.parent.isLost();
    }

    @Override
    public boolean isDoomed() {
      return split.doomed() || split.parent.isDoomed();
    }

    @Override
    public boolean isShared() {
      return true;
    }

    @Override
    public Mono<Void> durable() {
      return split.parent.durable();
    }

    @Override
    public Mono<Void> lost() {
      return split.parent.lost();
    }

    @Override
    public String toString() {
      return "a child of " + split.parent;
    }
  }
}
