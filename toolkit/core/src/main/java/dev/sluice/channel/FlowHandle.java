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
package dev.sluice.channel;

import dev.sluice.Experimental;
import dev.sluice.observe.FlowStep;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** A running flow. Thread-safe. */
public interface FlowHandle extends Metered {

  /** The state of a flow. */
  enum State {
    /** It receives. */
    RUNNING,
    /** Its source has failed, and it will receive again when its restart policy says so. */
    RESTARTING,
    /** It takes no new messages and finishes those it has. */
    STOPPING,
    /** It has ended in good order. */
    STOPPED,
    /** It has ended with an error. */
    FAILED
  }

  /**
   * What a flow is doing.
   *
   * @param state the state
   * @param failure what ended it, if it failed; what ended its source, if it is restarting
   * @param received deliveries taken from the source since the start, repeated ones included
   * @param acknowledged deliveries that ended well
   * @param released deliveries given back
   * @param retried deliveries that are to be tried again
   * @param rejected deliveries that went to the dead letters
   * @param unsettled deliveries that are out and not yet done
   * @param maxUnsettled the bound on {@code unsettled}
   * @param restarts how often it has begun to receive again after its source had failed
   * @param stall what keeps it from getting on, or null if nothing does
   */
  @Experimental
  record Stats(
      State state,
      @Nullable Throwable failure,
      long received,
      long acknowledged,
      long released,
      long retried,
      long rejected,
      long unsettled,
      int maxUnsettled,
      long restarts,
      @Nullable Stall stall) {

    /** Whether it receives and gets on: what a health check wants to know. */
    public boolean isUp() {
      return state == State.RUNNING && stall == null;
    }
  }

  /**
   * What keeps a flow from getting on: dead letters that their target does not take. Nothing is
   * lost, their messages stay at the source; but their groups wait, and in the end everything does.
   * It passes when the target has taken them.
   *
   * @param since when the first of them was refused, by the flow's clock
   * @param letters how many are being tried again
   * @param cause why one was refused last
   */
  @Experimental
  record Stall(Instant since, int letters, Throwable cause) {}

  /** What the flow is called in logs, traces and meters. */
  String name();

  /** What it is doing at the moment. Never blocks. */
  Stats stats();

  /**
   * How many messages wait at its source; empty if that is not known.
   *
   * @see Inbound#depth()
   */
  @Experimental
  Mono<Long> depth();

  /** Its steps that hold elements, in the order of the flow; none when it has ended. */
  @Experimental
  List<FlowStep> steps();

  /**
   * Its numbers, tagged with its name as {@code flow}: {@code sluice.deliveries} by {@code
   * outcome}, {@code sluice.deliveries.unsettled} and its bound {@code sluice.deliveries.window},
   * {@code sluice.flow.up} (1 or 0), {@code sluice.flow.restarts}, {@code sluice.flow.stalled}
   * (dead letters that their target does not take) and {@code sluice.flow.buffered}, what its steps
   * hold together. A flow of {@code sluice-operators} also names what is tried again, and where it
   * waits meanwhile: {@code sluice.retries}, {@code sluice.retries.exhausted} and {@code
   * sluice.retries.waiting}.
   */
  @Override
  @Experimental
  default void meters(Meters meters) {
    Meters flow = meters.with("flow", name());
    String deliveries = "deliveries";
    outcome(flow, "acknowledged", () -> stats().acknowledged());
    outcome(flow, "released", () -> stats().released());
    outcome(flow, "retried", () -> stats().retried());
    outcome(flow, "rejected", () -> stats().rejected());
    flow.gauge(
        "sluice.deliveries.unsettled", deliveries, "Out and not done", () -> stats().unsettled());
    flow.gauge(
        "sluice.deliveries.window",
        deliveries,
        "How many may be out and not done",
        () -> stats().maxUnsettled());
    flow.gauge("sluice.flow.up", "flows", "Receives and gets on", () -> stats().isUp() ? 1 : 0);
    flow.counter(
        "sluice.flow.restarts",
        "restarts",
        "Began to receive again after its source had failed",
        () -> stats().restarts());
    flow.gauge(
        "sluice.flow.stalled",
        "messages",
        "Dead letters that their target does not take",
        () -> {
          Stall stall = stats().stall();
          return stall == null ? 0 : stall.letters();
        });
    flow.gauge(
        "sluice.flow.buffered",
        "elements",
        "Held by the steps of the flow",
        () -> steps().stream().mapToLong(FlowStep::buffered).sum());
  }

  private static void outcome(Meters flow, String outcome, LongSupplier total) {
    flow.with("outcome", outcome)
        .counter("sluice.deliveries", "deliveries", "What became of the deliveries", total);
  }

  /**
   * Stops in good order. Hot and idempotent: the flow begins to stop with the call; the first time
   * given counts.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>nothing
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>completes when everything is settled or given back, flushed and closed; never fails
   *   <dt>Cancel
   *   <dd>only stops waiting
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on the thread that closed the source
   * </dl>
   *
   * @param grace how long deliveries that are out may take, zero or more
   */
  Mono<Void> stop(Duration grace);

  /**
   * Follows the end of the flow.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>nothing
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>completes when the flow has stopped; fails with what made the flow fail
   *   <dt>Cancel
   *   <dd>only stops waiting
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on the thread that ended the flow
   * </dl>
   */
  Mono<Void> terminated();
}
