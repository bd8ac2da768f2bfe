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

import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Many members, one decision: what is decided for the aggregate is decided for every member. It is
 * done when every member is done, durable when every member is durable, and lost as soon as one
 * member is lost.
 *
 * <p>A member may have been decided before in another way, because its source took it back, or may
 * be lost. It stays as it is, so the decision alone does not tell what became of the aggregate:
 * {@link #onDone} does, with the worst that became of a member.
 */
public final class JoinSettlement extends SettlementCore {

  /** What a decision about the aggregate means for each of its members. */
  @FunctionalInterface
  public interface Division {

    /**
     * The outcome for one member. Must not throw.
     *
     * @param member the member's place in the list, from 0
     * @param decision what was decided for the aggregate
     */
    Outcome of(int member, Outcome decision);
  }

  /*
   * worst    the worst that became of a member so far; null as long as none is done
   * pending  members that are not done
   *
   * A result is joined to worst before it leaves pending, so whoever takes pending to 0 sees all.
   */

  private final List<Settlement> members;
  private final Division division;

  private volatile @Nullable Outcome worst;

  private static final AtomicReferenceFieldUpdater<JoinSettlement, Outcome> WORST =
      AtomicReferenceFieldUpdater.newUpdater(JoinSettlement.class, Outcome.class, "worst");

  @SuppressWarnings("UnusedVariable") // through the updater only
  private volatile int pending;

  private static final AtomicIntegerFieldUpdater<JoinSettlement> PENDING =
      AtomicIntegerFieldUpdater.newUpdater(JoinSettlement.class, "pending");

  /**
   * Joins the settlements.
   *
   * @throws IllegalArgumentException if there is no member
   */
  public JoinSettlement(List<? extends Settlement> members) {
    this(members, (member, decision) -> decision);
  }

  /**
   * Joins the settlements.
   *
   * @param division what each member gets of a decision
   * @throws IllegalArgumentException if there is no member
   */
  public JoinSettlement(List<? extends Settlement> members, Division division) {
    this.members = List.copyOf(members);
    this.division = Objects.requireNonNull(division, "division");
    if (this.members.isEmpty()) {
      throw new IllegalArgumentException("members: [] (expected: at least one)");
    }
    this.pending = this.members.size();
  }

  @Override
  protected void onDecided(Outcome outcome) {
    for (int i = 0; i < members.size(); i++) {
      Settlement member = members.get(i);
      member.settle(division.of(i, outcome));
      member.onDone(this::memberDone);
    }
  }

  private void memberDone(Outcome result) {
    WORST.accumulateAndGet(this, result, (a, b) -> a == null ? b : a.worse(b));
    if (PENDING.decrementAndGet(this) == 0) {
      markDone();
    }
  }

  @Override
  Outcome result(Outcome decision) {
    return Objects.requireNonNull(worst);
  }

  @Override
  public boolean isLost() {
    return members.stream().anyMatch(Settlement::isLost);
  }

  @Override
  public boolean isDoomed() {
    return members.stream().anyMatch(Settlement::isDoomed);
  }

  @Override
  public Mono<Void> durable() {
    return Mono.when(members.stream().map(Settlement::durable).toList());
  }

  @Override
  public Mono<Void> lost() {
    return Mono.firstWithSignal(members.stream().map(Settlement::lost).toList());
  }

  @Override
  public String toString() {
    return "an aggregate of " + members.size() + " from " + members.get(0);
  }
}
