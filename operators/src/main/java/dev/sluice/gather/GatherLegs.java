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
package dev.sluice.gather;

import dev.sluice.channel.Recipient;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/** The legs of a gather: whom they ask, what became of them, what has to be let go. Drain only. */
abstract class GatherLegs<T, R> extends GatherTimer<T, R> {

  /*
   * A leg is in exactly one state: unstarted (no record, no call that runs), running (a call that
   * is not idle) or over (a record in legs).
   *
   * Invariant:
   *   L1  a leg is over once, and from then on none of its asks runs and it holds no place: so it
   *       has one vote
   */

  private Recipient<? super T, ? extends R>[] recipients;
  private @Nullable Leg<R>[] legs;
  private @Nullable Call<T, R> @Nullable [] calls;
  private int selected;
  private int over;
  private int responded;

  @SuppressWarnings("unchecked")
  GatherLegs(
      CoreSubscriber<?> downstream,
      ScatterGather<T, R> scatter,
      T request,
      ScatterGather.Door door) {
    super(downstream, scatter, request, door);
    if (scatter.recipients instanceof FixedRecipients<T, R> fixed) {
      this.recipients = fixed.recipients;
      this.selected = recipients.length;
    } else {
      this.recipients = (Recipient<? super T, ? extends R>[]) new Recipient<?, ?>[8];
    }
    this.legs = (Leg<R>[]) new Leg<?>[recipients.length];
  }

  final int selected() {
    return selected;
  }

  /** How many legs are not over. */
  final int open() {
    return selected - over;
  }

  /** How many legs have answered or ended empty. */
  final int responded() {
    return responded;
  }

  /** One more leg. */
  final void add(Call<T, R> call) {
    int index = selected++;
    if (index == legs.length) {
      recipients = Arrays.copyOf(recipients, index * 2);
      legs = Arrays.copyOf(legs, index * 2);
      calls = calls == null ? null : Arrays.copyOf(calls, index * 2);
    }
    call.index = index;
    recipients[index] = call.recipient;
    calls()[index] = call;
  }

  final Recipient<? super T, ? extends R> recipient(int index) {
    return recipients[index];
  }

  final boolean hasEnded(int index) {
    return legs[index] != null;
  }

  private @Nullable Call<T, R>[] calls() {
    @Nullable Call<T, R>[] some = calls;
    if (some == null) {
      @SuppressWarnings("unchecked")
      Call<T, R>[] none = (Call<T, R>[]) new Call<?, ?>[legs.length];
      some = none;
      calls = some;
    }
    return some;
  }

  final Call<T, R> call(int index) {
    @Nullable Call<T, R>[] some = calls();
    Call<T, R> call = some[index];
    if (call == null) {
      call = new Call<>(this, recipients[index], index);
      some[index] = call;
    }
    return call;
  }

  final @Nullable Call<T, R> callOrNull(int index) {
    return calls == null ? null : calls[index];
  }

  // == their end ==

  /** A leg is over. */
  void legEnded(Leg<R> leg) {}

  final void endLeg(int index, Leg.State state, @Nullable R answer, @Nullable Throwable error) {
    Call<T, R> call = callOrNull(index);
    Leg<R> leg = new Leg<>(recipients[index].name(), state, answer, error, took(call, -1));
    legs[index] = leg;
    over++;
    if (leg.responded()) {
      responded++;
    }
    if (call != null) {
      leave(call);
    }
    spec.listener().ended(leg);
    legEnded(leg);
  }

  /**
   * @param now on the clock of the gather, or -1 to look at it when it is needed
   */
  private Duration took(@Nullable Call<T, R> call, long now) {
    return call == null || call.startedAt == NEVER
        ? Duration.ZERO
        : Duration.ofNanos((now < 0 ? elapsed() : now) - call.startedAt);
  }

  /** The leg is over: what runs is cancelled, what waits is withdrawn. */
  private void leave(Call<T, R> call) {
    if (call.primary != null) {
      call.primary.leave();
      retire(call, call.primary);
    }
    if (call.hedge != null) {
      call.hedge.leave();
      retire(call, call.hedge);
    }
    call.hedgeAt = NEVER;
    call.retryAt = NEVER;
    call.again = false;
    Bulkhead bulkhead = call.bulkhead;
    if (bulkhead != null) {
      if (call.waiting) {
        call.waiting = false;
        bulkhead.withdraw(call);
      }
      call.bulkhead = null;
      Objects.requireNonNull(scatter.bulkheads).leave(bulkhead);
    }
  }

  final void retire(Call<T, R> call, Ask<T, R> ask) {
    if (call.primary == ask) {
      call.primary = null;
    } else {
      call.hedge = null;
    }
    leavePlace(call);
  }

  final void leavePlace(@Nullable Call<T, R> call) {
    if (call != null && call.bulkhead != null) {
      call.bulkhead.release();
    }
  }

  /** Ends every leg that is not over. */
  final void endRest(Leg.State state, long now) {
    for (int i = 0; i < selected; i++) {
      if (legs[i] == null) {
        Call<T, R> call = callOrNull(i);
        Throwable error = call == null ? null : call.error;
        Leg<R> leg = new Leg<>(recipients[i].name(), state, null, error, took(call, now));
        legs[i] = leg;
        if (call != null) {
          leave(call);
        }
        spec.listener().ended(leg);
        legEnded(leg);
      }
    }
  }

  final void leaveAll() {
    for (int i = 0; i < selected; i++) {
      Call<T, R> call = callOrNull(i);
      if (call != null) {
        leave(call);
      }
    }
  }

  @SuppressWarnings("NullAway") // every leg is over
  final List<Leg<R>> gatheredLegs() {
    return List.of(selected == legs.length ? legs : Arrays.copyOf(legs, selected));
  }

  /** The answers of the legs that are over. */
  final void discardLegs() {
    Context context = currentContext();
    for (Leg<R> leg : legs) {
      if (leg != null && leg.answer() != null) {
        Operators.onDiscard(leg.answer(), context);
      }
    }
  }

  final void forgetLegs() {
    legs = Arrays.copyOf(legs, 0);
  }

  // == scan ==

  @Override
  public Stream<? extends Scannable> inners() {
    @Nullable Call<T, R>[] some = calls;
    return some == null
        ? Stream.empty()
        : Arrays.stream(some)
            .filter(Objects::nonNull)
            .flatMap(call -> Stream.of(call.primary, call.hedge))
            .filter(Objects::nonNull);
  }
}
