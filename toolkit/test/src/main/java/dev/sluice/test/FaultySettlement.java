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
package dev.sluice.test;

import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Outcome.Release.Why;
import dev.sluice.delivery.Settlement;
import dev.sluice.delivery.SettlementCore;
import dev.sluice.delivery.StaleDelivery;
import dev.sluice.test.FaultInjector.Fault;
import dev.sluice.test.FaultInjector.Kind;
import reactor.core.publisher.Mono;

/**
 * What the flow holds instead of the channel's settlement. It asks that one for everything that it
 * has not itself made up.
 */
final class FaultySettlement extends SettlementCore {

  private final Settlement real;
  private final FaultInjector injector;
  private volatile boolean unanswered;

  FaultySettlement(Settlement real, FaultInjector injector) {
    this.real = real;
    this.injector = injector;
  }

  /** Hears of the loss, so that a decision after it is done at once. */
  void follow() {
    real.lost().subscribe(v -> {}, e -> {}, this::lose);
  }

  private void lose() {
    if (!injector.isDead()) {
      markLost();
    }
  }

  @Override
  protected void onDecided(Outcome outcome) {
    if (injector.isDead()) {
      return;
    }
    Fault fault = injector.begin(Kind.SETTLE);
    if (fault == null) {
      settleReal(outcome);
      return;
    }
    switch (fault) {
      case FAIL_BEFORE -> {
        real.settle(Outcome.release(Why.LOST));
        markLost();
      }
      case FAIL_AFTER -> {
        real.settle(outcome);
        markLost();
      }
      case KILL_BEFORE -> {} // it is dead
      case KILL_AFTER -> {
        injector.kill(); // first, or what follows from it would reach the flow
        real.settle(outcome);
      }
      case NO_ANSWER -> {
        unanswered = true;
        real.settle(outcome);
      }
    }
  }

  private void settleReal(Outcome outcome) {
    real.settle(outcome);
    real.onDone(
        any -> {
          if (!injector.isDead() && !real.isLost()) {
            markDone();
          }
        });
  }

  /** Nobody is left to decide when the process is dead, and that is no leak. */
  @Override
  public boolean isSettled() {
    return super.isSettled() || injector.isDead();
  }

  @Override
  protected void onDurableAwaited() {
    real.durable()
        .subscribe(
            v -> {},
            stale -> lose(),
            () -> {
              if (!injector.isDead() && !unanswered) {
                markDurable();
              }
            });
  }

  @Override
  public Mono<Void> durable() {
    return injector.ask(
        Kind.DURABLE,
        super.durable(),
        certain -> new StaleDelivery(this + ": " + injector.failure().getMessage()));
  }

  @Override
  public String toString() {
    return real.toString();
  }
}
