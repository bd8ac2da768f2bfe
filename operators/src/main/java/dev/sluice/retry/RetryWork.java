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
package dev.sluice.retry;

import dev.sluice.channel.Capability;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Settlement;
import dev.sluice.dispatch.Lane;
import dev.sluice.dispatch.RetryMeters;
import dev.sluice.dispatch.Verdict;
import dev.sluice.dispatch.Work;
import dev.sluice.message.Message;
import java.time.Clock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;

/**
 * The lanes of deliveries that may be tried again: the element of a lane goes on to what follows,
 * and the lane is held until that has decided it.
 *
 * @param source what the channel can do
 * @param retries where retries are counted
 * @param assembly where the retries were assembled, for the leak detector
 */
record RetryWork(
    RetrySpec spec, Predicate<Capability> source, Clock clock, RetryMeters retries, String assembly)
    implements Work<Tried, Tried, Delivery<byte[]>> {

  /** Whether a message can wait at the channel that has delivered it. */
  boolean channelDelays(Message<?> message) {
    return source.test(Capability.DELAY)
        && (message.group() == null
            || !spec.isOrdered()
            || source.test(Capability.EXCLUSIVE_GROUPS));
  }

  /** A channel with exclusive groups keeps their order itself. */
  @Override
  public @Nullable Object key(Tried tried) {
    return spec.isOrdered() && !source.test(Capability.EXCLUSIVE_GROUPS)
        ? tried.delivery.message().group()
        : null;
  }

  @Override
  public Publisher<Tried> start(Lane<Tried> lane) {
    Settlement settlement = lane.element().delivery.settlement();
    if (settlement.isSettled() || settlement.isLost()) {
      lane.skipWorker(); // the source took it back while it waited
      if (!settlement.isSettled()) {
        settlement.settle(Outcome.release(Outcome.Release.Why.LOST));
      }
      return Mono.empty();
    }
    return Mono.just(lane.element());
  }

  @Override
  public Delivery<byte[]> emit(Lane<Tried> lane, Tried tried) {
    tried.begin(lane.attempt());
    Try attempt = new Try(this, lane, tried);
    lane.attach(attempt);
    return new Delivery<>(
            tried.delivery.message(),
            LeakDetector.track(attempt, assembly),
            tried.delivery.origin().withAttempt(tried.attempt()))
        .with(tried.delivery.context());
  }

  @Override
  public Verdict completed(Lane<Tried> lane) {
    return lane.attachment() == null ? Verdict.NEXT : Verdict.HOLD;
  }

  /** Nothing fails here: there is neither a function of the user nor a limit of time. */
  @Override
  public Verdict failed(Lane<Tried> lane, Throwable error, boolean once) {
    return Verdict.fail(error);
  }

  /** What has not gone out yet is discarded. */
  @Override
  public void abandoned(Lane<Tried> lane) {
    if (lane.attachment() instanceof Try attempt) {
      attempt.abandon();
    }
  }
}
