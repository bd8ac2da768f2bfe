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
package dev.sluice.flow;

import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.JoinSettlement;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Settlement;
import dev.sluice.message.Message;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;

/** Members that are being collected, and the one delivery that becomes of them. */
final class Aggregate<T> {

  /* Everything is the drain's, except due: written by the timer's thread before it drains. */

  final @Nullable Object key;
  final List<Delivery<T>> members = new ArrayList<>();
  @Nullable Disposable timer;
  volatile boolean due;

  Aggregate(@Nullable Object key) {
    this.key = key;
  }

  /**
   * What becomes of the members on which work may still begin; null if there is none. Those on
   * which it may not are settled.
   *
   * @param done hears when the others are settled
   */
  @Nullable Delivery<List<Message<T>>> delivery(
      FluxAggregate.Plan<T> plan, Consumer<? super Outcome> done) {
    List<Delivery<T>> kept = members.stream().filter(plan.begins()).toList();
    if (kept.isEmpty()) {
      return null;
    }
    List<Message<T>> messages = kept.stream().map(Delivery::message).toList();
    JoinSettlement join =
        new JoinSettlement(
            kept.stream().map(Delivery::settlement).toList(),
            (member, decision) ->
                share(
                    decision,
                    plan.spec().rejectsAll(),
                    messages.get(member).expired(plan.clock())));
    Settlement handle = LeakDetector.track(join, plan.assembly());
    join.onDone(done);
    return new Delivery<>(Message.join(messages, messages), handle, origin(kept));
  }

  /**
   * What one member gets of a decision. An aggregate expires with its first member, which is no
   * reason to reject the others; and children of an aggregate are not children of a member.
   */
  private static Outcome share(Outcome decision, boolean rejectAll, boolean expired) {
    if (decision instanceof Outcome.Retry retry && rejectAll) {
      return Outcome.reject(DeadLetterReason.ATTEMPTS_EXHAUSTED, retry.cause());
    }
    if (decision instanceof Outcome.Reject reject) {
      return reject.reason() == DeadLetterReason.EXPIRED && !expired
          ? new Outcome.Release(Outcome.Release.Why.BUSY, Duration.ZERO)
          : reject.withFailedChildren(List.of());
    }
    return decision;
  }

  /**
   * The place of the first member. The attempt is that of the member with the fewest: it may be
   * tried again, and one that has used up its attempts is rejected when it comes back.
   */
  private static <T> Origin origin(List<Delivery<T>> members) {
    Origin first = members.get(0).origin();
    int more = members.size() - 1;
    List<Origin> origins = members.stream().map(Delivery::origin).toList();
    return new Origin(
        first.channel(),
        more == 0 ? first.position() : first.position() + " and " + more + " more",
        Collections.min(origins, Comparator.comparingInt(Origin::attempt)).attempt(),
        Collections.max(origins, Comparator.comparing(Origin::receivedAt)).receivedAt(),
        first.epoch(),
        Collections.min(origins, Comparator.comparingInt(Origin::window)).window());
  }
}
