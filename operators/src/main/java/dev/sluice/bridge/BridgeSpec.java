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
package dev.sluice.bridge;

import dev.sluice.Experimental;
import dev.sluice.codec.PayloadCodec;
import dev.sluice.delivery.ErrorClassifier;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import dev.sluice.time.Timers;
import dev.sluice.time.Times;
import java.time.Clock;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** The options of a {@link Bridge}. Immutable: each method returns a changed copy. */
@Experimental
public final class BridgeSpec implements Cloneable {

  private static final int MAX_WINDOW = 65_536;

  /* The fields are assigned only before a copy is given away, in with(). */

  private UnaryOperator<Message<byte[]>> translation = UnaryOperator.identity();
  private Order order = Order.BY_GROUP;
  private int window = 256;
  private ErrorPolicy probes =
      ErrorPolicy.defaults().backoff(Duration.ofMillis(500), Duration.ofSeconds(15)).jitter(0.2);
  private ErrorClassifier classifier = ErrorClassifier.defaults();
  private @Nullable String from;
  private @Nullable String to;
  private UnaryOperator<Flow<byte[]>> flow = UnaryOperator.identity();
  private Clock clock = Clock.systemUTC();
  private @Nullable Scheduler timer;

  private BridgeSpec() {}

  static BridgeSpec of(UnaryOperator<BridgeSpec> change) {
    return Objects.requireNonNull(
        Objects.requireNonNull(change, "spec").apply(new BridgeSpec()), "the function gave null");
  }

  private BridgeSpec with(Consumer<BridgeSpec> change) {
    try {
      BridgeSpec copy = (BridgeSpec) clone();
      change.accept(copy);
      return copy;
    } catch (CloneNotSupportedException e) {
      throw new AssertionError(e);
    }
  }

  /**
   * From the format of the source to that of the target. Defaults to bytes that cross as they are.
   *
   * <p>All three are plain CPU work. What they refuse, with whatever exception, is never tried
   * again but rejected: as {@link dev.sluice.delivery.DeadLetterReason#UNREADABLE UNREADABLE} if it
   * could not be read, else as {@link dev.sluice.delivery.DeadLetterReason#POISON POISON}.
   *
   * @param from reads what comes
   * @param mapper makes of it what goes; null is an error
   * @param to writes that, and says its content type
   */
  public <A, B> BridgeSpec translate(
      PayloadCodec<A> from, Function<? super A, ? extends B> mapper, PayloadCodec<B> to) {
    Objects.requireNonNull(mapper, "mapper");
    return translateMessages(
        from,
        message ->
            message.<B>withPayload(
                Objects.requireNonNull(mapper.apply(message.payload()), "the mapper gave null")),
        to);
  }

  /**
   * {@link #translate} with a mapper that also changes type, group, priority or headers. Whatever
   * id it gives, the message crosses under the one it came with.
   */
  public <A, B> BridgeSpec translateMessages(
      PayloadCodec<A> from,
      Function<? super Message<A>, ? extends Message<B>> mapper,
      PayloadCodec<B> to) {
    Translation<A, B> changed = new Translation<>(from, mapper, to);
    return with(copy -> copy.translation = changed::translate);
  }

  /** In which order messages cross. Defaults to {@link Order#BY_GROUP}. */
  public BridgeSpec order(Order order) {
    Objects.requireNonNull(order, "order");
    return with(copy -> copy.order = order);
  }

  /**
   * How many sends may be on their way at once; the bound, too, on how many messages the target
   * gets twice because of an outage or a crash between a send and its acknowledgement. Defaults to
   * 256.
   *
   * @param window 1..65536
   */
  public BridgeSpec window(int window) {
    if (window < 1 || window > MAX_WINDOW) {
      throw new IllegalArgumentException(
          "window: " + window + " (expected: 1.." + MAX_WINDOW + ")");
    }
    return with(copy -> copy.window = window);
  }

  /**
   * How long to wait before a target that is away is probed with a message: {@code first}, then
   * twice as long each time, up to {@code max}; see {@link #jitter}. Defaults to 500 ms and 15 s.
   *
   * @param first more than zero
   * @param max at least {@code first}, at most 365 days
   */
  public BridgeSpec probe(Duration first, Duration max) {
    ErrorPolicy changed = probes.backoff(Times.positive("first", first), max);
    return with(copy -> copy.probes = changed);
  }

  /**
   * By how much of itself each wait for a probe is made longer or shorter, at random. Defaults to
   * 0.2.
   *
   * @param jitter 0 (none) to 1
   */
  public BridgeSpec jitter(double jitter) {
    ErrorPolicy changed = probes.jitter(jitter);
    return with(copy -> copy.probes = changed);
  }

  /**
   * What a failed send means: {@link ErrorClassifier.Kind#POISON poison} is the message's fault, a
   * transient failure that of the target, as far as nothing speaks against it. Defaults to {@link
   * ErrorClassifier#defaults()}, which believes {@link dev.sluice.channel.SendFailed}.
   */
  public BridgeSpec classifier(ErrorClassifier classifier) {
    Objects.requireNonNull(classifier, "classifier");
    return with(copy -> copy.classifier = classifier);
  }

  /**
   * What the two sides are called in the loop guard. A message is not sent to a side that it has
   * been on, so what a bridge back calls its source must be what this one calls its target. Default
   * to the names of the two channels; give names if a side has one channel for each direction.
   *
   * @param from the side of the source: 1 to 256 characters, no comma
   * @param to the side of the target: another name
   */
  public BridgeSpec sides(String from, String to) {
    Hops named = new Hops(from, to);
    return with(
        copy -> {
          copy.from = named.from();
          copy.to = named.to();
        });
  }

  /**
   * The options of the flow that the bridge is, and steps before the translation: its dead letters,
   * a restart, a lease; {@code idempotent} with a store, so that a message that comes again is not
   * sent again; {@code claimCheck}, if the target takes only small ones. Defaults to those of a
   * flow.
   */
  public BridgeSpec flow(UnaryOperator<Flow<byte[]>> options) {
    Objects.requireNonNull(options, "options");
    return with(copy -> copy.flow = options);
  }

  /** The clock of expiry, ages and rate. Defaults to the system's in UTC. */
  public BridgeSpec clock(Clock clock) {
    Objects.requireNonNull(clock, "clock");
    return with(copy -> copy.clock = clock);
  }

  /**
   * Where probes and retries are scheduled. Defaults to {@code Schedulers.parallel()}.
   *
   * @throws IllegalArgumentException if it cannot do anything later
   */
  public BridgeSpec timer(Scheduler timer) {
    Timers.require("timer", timer);
    return with(copy -> copy.timer = timer);
  }

  // == values ==

  Message<byte[]> translate(Message<byte[]> message) {
    return translation.apply(message);
  }

  Order order() {
    return order;
  }

  int window() {
    return window;
  }

  ErrorPolicy probes() {
    return probes;
  }

  ErrorClassifier classifier() {
    return classifier;
  }

  Hops hops(String source, String target) {
    return new Hops(from == null ? source : from, to == null ? target : to);
  }

  Flow<byte[]> flow(Flow<byte[]> plain) {
    return Objects.requireNonNull(flow.apply(plain), "the function gave null");
  }

  Clock clock() {
    return clock;
  }

  Scheduler timer() {
    return timer == null ? Schedulers.parallel() : timer;
  }
}
