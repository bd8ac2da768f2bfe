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

import dev.sluice.Experimental;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.FlowHandle.State;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A {@code StepVerifier} for flows: send messages, let time pass, break things, and say what
 * becomes of each message.
 *
 * <pre>{@code
 * FlowVerifier.create(
 *         env ->
 *             Flow.from(env.source())
 *                 .clock(env.clock())
 *                 .decode(StringCodec.utf8())
 *                 .groupedConvoy(Message::group, order -> ship(order))
 *                 .deadLetter(env.deadLetters())
 *                 .to(env.outbound("shipments", StringCodec.utf8()))
 *                 .start())
 *     .send("one", "unreadable", "two")
 *     .expectAcked(2)
 *     .expectDeadLettered(POISON)
 *     .expectSent("shipments", "one", "two")
 *     .expectNoUnsettled()
 *     .verify();
 * }</pre>
 *
 * <p><b>Time is virtual</b>: the flow is made and run with {@code VirtualTimeScheduler} installed,
 * everything that can happen at once has happened before the next step, and {@link #thenAwait}
 * moves the clock. What was installed before stays; what the verifier installs is gone afterwards.
 * A flow that works on threads of its own is verified {@linkplain #inRealTime in real time}, where
 * an expectation waits.
 *
 * <p><b>Expectations of outcomes and of sends consume</b> what they name, so {@code expectAcked(2)}
 * twice are four; what is left over at the end fails the verification. Only what the verifier
 * itself brings about by ending the flow need not be expected. The other expectations look at the
 * state at their moment. An outcome counts when it has taken effect: a message whose dead letter is
 * not confirmed is unsettled.
 *
 * <p>{@link #verify} runs the steps, ends the flow, and also fails when a delivery is left
 * undecided or was dropped, when the settlement contract was broken ({@link SettlementAuditor}),
 * when the flow has failed unexpectedly or does not end, and when Reactor had to drop a value or an
 * error. A failure names the step, what was expected, what was there, and the story of each
 * message.
 *
 * <p>The builder is not thread-safe; do not verify in parallel in one JVM.
 */
@Experimental
public final class FlowVerifier {

  /**
   * A step.
   *
   * @param text what a failure calls it
   */
  record Step(String text, Consumer<Verification> action) {}

  private final Function<? super FlowEnvironment, ? extends FlowHandle> flow;
  private final List<Step> steps = new ArrayList<>();
  private Function<String, @Nullable String> group = text -> null;
  private @Nullable Duration patience;

  private FlowVerifier(Function<? super FlowEnvironment, ? extends FlowHandle> flow) {
    this.flow = flow;
  }

  /**
   * Begins with a flow.
   *
   * @param flow starts the flow under test with what the environment gives it; called by {@link
   *     #verify}, when the time is virtual
   */
  public static FlowVerifier create(Function<? super FlowEnvironment, ? extends FlowHandle> flow) {
    return new FlowVerifier(Objects.requireNonNull(flow, "flow"));
  }

  /** The group of texts that are sent. Defaults to none. */
  public FlowVerifier groupBy(Function<String, @Nullable String> group) {
    this.group = Objects.requireNonNull(group, "group");
    return this;
  }

  /**
   * Runs in real time, for a flow that works on threads of its own: an expectation waits until it
   * holds.
   *
   * @param patience how long at most, more than zero
   */
  public FlowVerifier inRealTime(Duration patience) {
    if (patience.isNegative() || patience.isZero()) {
      throw new IllegalArgumentException("patience: " + patience + " (expected: > PT0S)");
    }
    this.patience = patience;
    return this;
  }

  // == what happens ==

  /** Sends texts to the flow, in this order. */
  public FlowVerifier send(String... texts) {
    return step("send(" + quoted(texts) + ')', run -> run.send(texts));
  }

  /** Sends a message to the flow. */
  public FlowVerifier send(Message<byte[]> message) {
    Objects.requireNonNull(message, "message");
    return step("send(" + message + ')', run -> run.source().offer(message));
  }

  /** Lets time pass. */
  public FlowVerifier thenAwait(Duration duration) {
    if (duration.isNegative()) {
      throw new IllegalArgumentException("duration: " + duration + " (expected: >= PT0S)");
    }
    return step("thenAwait(" + duration + ')', run -> run.time().pass(duration));
  }

  /** Does something else: scripts a channel, drives a worker, asserts. */
  public FlowVerifier then(Consumer<? super FlowEnvironment> action) {
    Objects.requireNonNull(action, "action");
    return step("then(…)", run -> action.accept(run.environment()));
  }

  /** Ends the source with an error, as trouble with the infrastructure does. */
  public FlowVerifier thenFailSource(Throwable error) {
    Objects.requireNonNull(error, "error");
    return step("thenFailSource(" + error + ')', run -> run.source().fail(error));
  }

  /** Takes away the deliveries of a group that are out, as when a partition is revoked. */
  public FlowVerifier thenLose(String group) {
    Objects.requireNonNull(group, "group");
    return step(
        "thenLose(\"" + group + "\")",
        run -> run.source().lose(delivery -> group.equals(delivery.message().group())));
  }

  /** Takes away every delivery that is out. */
  public FlowVerifier thenLoseAll() {
    return step("thenLoseAll()", run -> run.source().lose(delivery -> true));
  }

  /** Stops the flow in good order. Does not wait for it to end. */
  public FlowVerifier thenStop(Duration grace) {
    return step("thenStop(" + grace + ')', run -> run.stop(grace));
  }

  // == what becomes of messages ==

  /** So many deliveries have been acknowledged, the oldest not yet expected. */
  public FlowVerifier expectAcked(int count) {
    return outcomes("expectAcked", Outcome.Ack.class, null, count);
  }

  /** A delivery of each of these texts has been acknowledged, in any order. */
  public FlowVerifier expectAcked(String text, String... more) {
    return outcomes("expectAcked", Outcome.Ack.class, null, text, more);
  }

  /** A delivery has been sent to the dead letters for this reason. */
  public FlowVerifier expectDeadLettered(DeadLetterReason reason) {
    return expectDeadLettered(reason, 1);
  }

  /** So many deliveries have been sent to the dead letters for this reason. */
  public FlowVerifier expectDeadLettered(DeadLetterReason reason, int count) {
    Objects.requireNonNull(reason, "reason");
    return outcomes("expectDeadLettered", Outcome.Reject.class, reason, count);
  }

  /** A delivery of each of these texts has been sent to the dead letters for this reason. */
  public FlowVerifier expectDeadLettered(DeadLetterReason reason, String text, String... more) {
    Objects.requireNonNull(reason, "reason");
    return outcomes("expectDeadLettered", Outcome.Reject.class, reason, text, more);
  }

  /** So many deliveries have been given back untried. */
  public FlowVerifier expectReleased(int count) {
    return outcomes("expectReleased", Outcome.Release.class, null, count);
  }

  /** A delivery of each of these texts has been given back untried. */
  public FlowVerifier expectReleased(String text, String... more) {
    return outcomes("expectReleased", Outcome.Release.class, null, text, more);
  }

  /**
   * So many deliveries have been given back to be tried again. What a convoy retries in its lane
   * its source does not see.
   */
  public FlowVerifier expectRetried(int count) {
    return outcomes("expectRetried", Outcome.Retry.class, null, count);
  }

  /** A delivery of each of these texts has been given back to be tried again. */
  public FlowVerifier expectRetried(String text, String... more) {
    return outcomes("expectRetried", Outcome.Retry.class, null, text, more);
  }

  // == what was sent ==

  /** So many messages were accepted by a channel, the oldest not yet expected. */
  public FlowVerifier expectSent(String channel, int count) {
    Objects.requireNonNull(channel, "channel");
    return step(
        "expectSent(\"" + channel + "\", " + positive(count) + ')',
        run -> run.expectSent(channel, count));
  }

  /** These texts were accepted by a channel, next and in this order. */
  public FlowVerifier expectSent(String channel, String text, String... more) {
    Objects.requireNonNull(channel, "channel");
    List<String> texts = list(text, more);
    return step(
        "expectSent(\"" + channel + "\", " + quoted(texts) + ')',
        run -> run.expectSent(channel, texts));
  }

  /** Nothing was accepted by a channel that is not expected yet. */
  public FlowVerifier expectNothingSent(String channel) {
    Objects.requireNonNull(channel, "channel");
    return step(
        "expectNothingSent(\"" + channel + "\")", run -> run.expectSent(channel, List.of()));
  }

  // == how things are ==

  /** No delivery is out that is not done. */
  public FlowVerifier expectNoUnsettled() {
    return step("expectNoUnsettled()", run -> run.expectUnsettled(0));
  }

  /** So many deliveries are out and not done. */
  public FlowVerifier expectUnsettled(int count) {
    return step("expectUnsettled(" + count + ')', run -> run.expectUnsettled(count));
  }

  /** These texts wait at the source, in this order, those that wait for a retry too. */
  public FlowVerifier expectWaiting(String... texts) {
    List<String> expected = List.of(texts);
    return step("expectWaiting(" + quoted(texts) + ')', run -> run.expectWaiting(expected));
  }

  /** The flow is in this state. */
  public FlowVerifier expectState(State state) {
    Objects.requireNonNull(state, "state");
    return step("expectState(" + state + ')', run -> run.expectState(state, null));
  }

  /** The flow has failed with an error of this type. */
  public FlowVerifier expectFailed(Class<? extends Throwable> error) {
    Objects.requireNonNull(error, "error");
    return step(
        "expectFailed(" + error.getSimpleName() + ')', run -> run.expectState(State.FAILED, error));
  }

  /** The flow says that it gets on: it runs, and nothing stalls it. */
  public FlowVerifier expectUp() {
    return step("expectUp()", Verification::expectUp);
  }

  /** The flow says that it is stalled by dead letters that are refused with an error like this. */
  public FlowVerifier expectStalled(Class<? extends Throwable> cause) {
    Objects.requireNonNull(cause, "cause");
    return step("expectStalled(" + cause.getSimpleName() + ')', run -> run.expectStalled(cause));
  }

  /**
   * The order of each group has been kept: its messages were done with, and what was sent of them
   * accepted, in the order in which they were sent to the flow.
   */
  public FlowVerifier expectOrderPerGroup() {
    return step("expectOrderPerGroup()", run -> run.environment().auditor().verifyOrderPerGroup());
  }

  // == the run ==

  /**
   * Starts the flow, takes the steps, ends the flow and judges it.
   *
   * @return how much time has passed for the flow, from its start to the last step
   * @throws AssertionError if anything is not as expected
   */
  public Duration verify() {
    Duration wait = patience;
    try (VerifierTime time = wait == null ? VerifierTime.virtual() : VerifierTime.real(wait)) {
      return new Verification(time, group, List.copyOf(steps)).run(flow);
    }
  }

  // == building ==

  private FlowVerifier step(String text, Consumer<Verification> action) {
    steps.add(new Step(text, action));
    return this;
  }

  private FlowVerifier outcomes(
      String name, Class<? extends Outcome> kind, @Nullable DeadLetterReason reason, int count) {
    String argument = reason == null ? "" : reason + ", ";
    return step(
        name + '(' + argument + positive(count) + ')',
        run -> run.expectOutcomes(kind, reason, count));
  }

  private FlowVerifier outcomes(
      String name,
      Class<? extends Outcome> kind,
      @Nullable DeadLetterReason reason,
      String text,
      String... more) {
    String argument = reason == null ? "" : reason + ", ";
    List<String> texts = list(text, more);
    return step(
        name + '(' + argument + quoted(texts) + ')',
        run -> run.expectOutcomes(kind, reason, texts));
  }

  private static int positive(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("count: " + count + " (expected: >= 1)");
    }
    return count;
  }

  private static List<String> list(String text, String... more) {
    return Stream.concat(Stream.of(text), Stream.of(more)).toList();
  }

  private static String quoted(String... texts) {
    return quoted(Arrays.asList(texts));
  }

  static String quoted(List<String> texts) {
    return texts.stream().map(text -> '"' + text + '"').collect(Collectors.joining(", "));
  }
}
