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
import java.util.concurrent.atomic.AtomicInteger;
import reactor.core.publisher.Mono;

/**
 * Many members, one decision: what is decided for the aggregate is decided for every member. It is
 * done when every member is done, durable when every member is durable, and lost as soon as one
 * member is lost.
 */
public final class JoinSettlement extends SettlementCore {

  private final List<Settlement> members;
  private final AtomicInteger pending;

  /**
   * Joins the settlements.
   *
   * @throws IllegalArgumentException if there is no member
   */
  public JoinSettlement(List<? extends Settlement> members) {
    this.members = List.copyOf(members);
    if (this.members.isEmpty()) {
      throw new IllegalArgumentException("members: [] (expected: at least one)");
    }
    this.pending = new AtomicInteger(this.members.size());
  }

  @Override
  protected void onDecided(Outcome outcome) {
    for (Settlement member : members) {
      member.settle(outcome);
      member.onDone(any -> memberDone());
    }
  }

  private void memberDone() {
    if (pending.decrementAndGet() == 0) {
      markDone();
    }
  }

  @Override
  public boolean isLost() {
    return members.stream().anyMatch(Settlement::isLost);
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
