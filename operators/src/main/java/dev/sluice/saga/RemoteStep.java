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
package dev.sluice.saga;

import dev.sluice.Experimental;
import dev.sluice.channel.Outbound;
import dev.sluice.codec.PayloadCodec;
import dev.sluice.message.Message;
import dev.sluice.requestreply.Requester;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * A step whose work is done elsewhere: the saga sends to the step queue, a {@link SagaParticipant}
 * does the work and sends an acknowledgement to the reply channel of the requester, and that is
 * what makes the saga go on. No acknowledgement in time is a failure whose outcome is not known:
 * the compensation goes to the same queue.
 *
 * <pre>{@code
 * RemoteStep<Transfer, Receipt> debit = RemoteStep.over(requester, debits, transfers, receipts);
 * Mono.just(transfer)
 *     .transform(sagaStep("debit", debit::perform, s -> s.compensate(debit::undo)))
 *     ...
 *     .as(saga("transfer", s -> s))
 * }</pre>
 *
 * <p><img class="marble" src="doc-files/remoteStep.svg" alt="Each acknowledgement triggers the next
 * step; when none comes in time, what was done is undone">
 *
 * @param <I> what the step is given
 * @param <O> what the step gives
 */
@Experimental
public final class RemoteStep<I, O> {

  private static final String UNDO_SUFFIX = "/compensate";

  private final Requester<byte[]> requester;
  private final Outbound<byte[]> queue;
  private final PayloadCodec<I> inputs;
  private final PayloadCodec<O> outputs;

  private RemoteStep(
      Requester<byte[]> requester,
      Outbound<byte[]> queue,
      PayloadCodec<I> inputs,
      PayloadCodec<O> outputs) {
    this.requester = Objects.requireNonNull(requester, "requester");
    this.queue = Objects.requireNonNull(queue, "queue");
    this.inputs = Objects.requireNonNull(inputs, "inputs");
    this.outputs = Objects.requireNonNull(outputs, "outputs");
  }

  /**
   * A step over a queue.
   *
   * @param requester listens for acknowledgements, of all steps of all sagas of this process; its
   *     timeout is the time within which they must come
   * @param queue where the participant receives
   * @param inputs writes what the step is given
   * @param outputs reads what the step gives
   */
  public static <I, O> RemoteStep<I, O> over(
      Requester<byte[]> requester,
      Outbound<byte[]> queue,
      PayloadCodec<I> inputs,
      PayloadCodec<O> outputs) {
    return new RemoteStep<>(requester, queue, inputs, outputs);
  }

  /**
   * Has the step done; the action of {@link Sagas#sagaStep}.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>what the participant gave, or nothing
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>fails as {@link Requester#request}. A {@link dev.sluice.requestreply.RequestFailed} that
   *       is poison says that the step was not done and never will be, everything else leaves it
   *       open. Outside a step with an {@link IllegalStateException}
   *   <dt>Cancel
   *   <dd>ends the waiting, not the work
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on the thread of the reply channel, or of the timer
   * </dl>
   */
  public Mono<O> perform(I input) {
    return ask(input, false).map(output -> outputs.decode(Message.of(output)));
  }

  /**
   * Has the step undone, or kept from being done if its message is still on its way; the {@link
   * StepSpec#compensate} of the same step. The participant knows what the step gave.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>nothing
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>completes when the participant has acknowledged it; fails as {@link #perform}
   *   <dt>Cancel
   *   <dd>ends the waiting, not the work
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on the thread of the reply channel, or of the timer
   * </dl>
   *
   * @param output what the step gave, as far as it is known here; not sent
   */
  public Mono<Void> undo(I input, @Nullable O output) {
    return ask(input, true).then();
  }

  private Mono<byte[]> ask(I input, boolean undo) {
    return StepContext.current()
        .flatMap(
            step ->
                requester.request(
                    queue, StepMessages.of(keyOf(step), undo, Message.of(input), inputs)));
  }

  /** The key of the action, also for its compensation: the participant has to know them as one. */
  private static String keyOf(StepContext step) {
    String key = step.idempotencyKey();
    return step.compensating() ? key.substring(0, key.length() - UNDO_SUFFIX.length()) : key;
  }
}
