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
import dev.sluice.bridge.BridgeHealth.State;
import dev.sluice.bridge.Line.Overtaken;
import dev.sluice.bridge.Reach.Failure;
import dev.sluice.bridge.Reach.Phase;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.convoy.ConvoySpec;
import dev.sluice.dispatch.ReadyOrder;
import dev.sluice.flow.Flow;
import dev.sluice.flow.RunnableFlow;
import dev.sluice.message.Message;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import dev.sluice.observe.Watched;
import java.util.Comparator;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;

/**
 * A messaging bridge: takes messages from a channel, says them in another format, sends them to
 * another channel, and acknowledges each when that has confirmed it.
 *
 * <p><img class="marble" src="doc-files/bridge.svg" alt="While the target is away messages wait,
 * one of them probes it, and they cross in their order when it is back">
 *
 * <pre>{@code
 * Bridge bridge =
 *     Bridge.between("bsm in", legacy, bags, b ->
 *         b.translate(bsm, Bag::ofBsm, json).flow(f -> f.deadLetter(dead)));
 * FlowHandle handle = bridge.start();
 * }</pre>
 *
 * <p><b>Order.</b> Sends of one group wait for each other, up to {@link BridgeSpec#window} of
 * different groups are on their way at once. Or all wait for each other, or none ({@link
 * BridgeSpec#order}).
 *
 * <p><b>Outages.</b> A send that fails, and might succeed later, is the target's failure, not the
 * message's: nothing else is sent, the messages wait, unsettled and in their order, and from time
 * to time the one whose turn it is probes the target. No attempt is counted. Only a message that
 * fails again, although others have been sent and got through since, has failed for reasons of its
 * own: that is counted, and settled by the error policy of the flow. So an only message that its
 * target can never take, and does not refuse for good, is probed with for ever; {@link #health()}
 * shows it.
 *
 * <p><b>Loops.</b> The header {@code sl-via} of a message says on which sides of bridges it has
 * been. A message that would go to one of them is acknowledged and counted, and not sent. This
 * holds for two bridges back and forth and for rings of more.
 *
 * <p><b>Duplicates.</b> A message crosses under the id it came with, whatever the translation makes
 * of it. It crosses again when the outcome of its send is not known, or the process dies between
 * the confirmation and the acknowledgement: at most as many at once as the window is wide. The
 * other side recognises them by their ids.
 *
 * <p>The object is the bridge of this process: what it counts, {@link #pause()} and the state of
 * the target are for all runs of its {@link #flow()} together. Thread-safe.
 */
@Experimental
public final class Bridge implements Metered, Watched {

  /** The one lane of a total order. */
  private static final String ALL = "all";

  private static final Function<Message<Crossing>, @Nullable Object> LANE =
      message -> message.payload().lane();

  private static final ReadyOrder<Message<Crossing>> IN_TURN =
      ReadyOrder.mostUrgentFirst(Comparator.comparingLong(message -> message.payload().turn()));

  private final String name;
  private final RunnableFlow flow;
  private final Reach reach;
  private final Watch watch;
  private final Rate rate;
  private final Crossing.Tally tally;
  private final LongAdder echoes = new LongAdder();
  private volatile @Nullable Line line; // of what the flow has begun last

  private Bridge(String name, Inbound source, Outbound<byte[]> target, BridgeSpec spec) {
    this.name = name;
    this.reach = new Reach(spec.probes(), spec.clock());
    this.watch = new Watch(spec.clock());
    this.rate = new Rate(spec.clock());
    this.tally = new Crossing.Tally(rate);
    this.flow = flow(source, target, spec);
  }

  /** A bridge with the default options. */
  public static Bridge between(String name, Inbound source, Outbound<byte[]> target) {
    return between(name, source, target, spec -> spec);
  }

  /**
   * A bridge, to be started.
   *
   * @param name what the bridge and its flow are called, not blank
   * @param source where messages come from
   * @param target where they go; a send to it must come to an end, by a timeout of its own
   * @param spec the options, from defaults: bytes that cross as they are, in order by group, 256 at
   *     once
   * @throws IllegalArgumentException if the name or an option is out of range, or both sides have
   *     the same name
   */
  public static Bridge between(
      String name, Inbound source, Outbound<byte[]> target, UnaryOperator<BridgeSpec> spec) {
    Objects.requireNonNull(source, "source");
    Objects.requireNonNull(target, "target");
    if (Objects.requireNonNull(name, "name").isBlank()) {
      throw new IllegalArgumentException("name: \"" + name + "\" (expected: not blank)");
    }
    return new Bridge(name, source, target, BridgeSpec.of(spec));
  }

  /**
   * Two bridges, back and forth between two sides.
   *
   * @param name what they are called, with {@code " there"} and {@code " back"} behind it
   * @param here the side that the first bridge takes from
   * @param there the side that it sends to
   * @param forth the options of the bridge from here to there
   * @param back the options of the bridge from there to here
   * @throws IllegalArgumentException as {@link #between}
   */
  public static Pair bothWays(
      String name,
      Side here,
      Side there,
      UnaryOperator<BridgeSpec> forth,
      UnaryOperator<BridgeSpec> back) {
    return new Pair(
        between(
            name + " there",
            here.from(),
            there.to(),
            spec -> forth.apply(spec.sides(here.name(), there.name()))),
        between(
            name + " back",
            there.from(),
            here.to(),
            spec -> back.apply(spec.sides(there.name(), here.name()))));
  }

  /**
   * A side of two bridges. What it sends and what is sent to it may be on one topic, of which each
   * consumer has its own copy; of a queue, where whoever takes a message has it, a side needs one
   * for each direction, or the bridge back takes what is meant for others.
   *
   * @param name what the loop guard calls it: 1 to 256 characters, no comma
   * @param from where its messages come from
   * @param to where messages to it go
   */
  @Experimental
  public record Side(String name, Inbound from, Outbound<byte[]> to) {
    public Side {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(from, "from");
      Objects.requireNonNull(to, "to");
    }
  }

  /**
   * Two bridges between the same sides.
   *
   * @param there the one way
   * @param back the other
   */
  @Experimental
  public record Pair(Bridge there, Bridge back) {
    public Pair {
      Objects.requireNonNull(there, "there");
      Objects.requireNonNull(back, "back");
    }
  }

  private RunnableFlow flow(Inbound source, Outbound<byte[]> target, BridgeSpec spec) {
    Hops hops = spec.hops(source.info().name(), target.name());
    Crossing.Road road = new Crossing.Road(target, spec.classifier(), tally, new AtomicLong());
    return spec.flow(Flow.from(source).named(name).clock(spec.clock()))
        .filterMessage(message -> !isEcho(hops, message))
        .mapMessage(message -> crossing(road, hops, spec, message))
        .groupedConvoy(LANE, Crossing::send, c -> options(c, spec))
        .end()
        .listener(watch);
  }

  private ConvoySpec<Message<Crossing>> options(
      ConvoySpec<Message<Crossing>> defaults, BridgeSpec spec) {
    return defaults
        .name("bridge")
        .concurrency(spec.window())
        .timer(spec.timer())
        .readyOrder(IN_TURN)
        .gate(timer -> gate(timer, spec.order()))
        .onFailure(
            failure ->
                failure
                    .classifier(spec.classifier())
                    .uncounted(e -> e instanceof TargetAway || e instanceof Overtaken));
  }

  /** Each time the flow begins to receive. */
  private BridgeGate gate(Scheduler timer, Order order) {
    Line begun = order == Order.PIPELINED ? new Line() : null;
    line = begun;
    return new BridgeGate(reach, timer, begun);
  }

  private boolean isEcho(Hops hops, Message<?> message) {
    boolean echo = hops.isEcho(message);
    if (echo) {
      echoes.increment();
    }
    return echo;
  }

  private Crossing crossing(
      Crossing.Road road, Hops hops, BridgeSpec spec, Message<byte[]> message) {
    String via = hops.beyond(message);
    Message<byte[]> translated = spec.translate(message);
    Message<byte[]> marked =
        translated.withHeaders(translated.headers().withReserved(Hops.VIA, via));
    return new Crossing(road, marked, lane(spec.order(), message, marked), line);
  }

  private static @Nullable Object lane(Order order, Message<?> came, Message<?> goes) {
    return switch (order) {
      case BY_GROUP -> goes.group() == null ? came.group() : goes.group();
      case TOTAL -> ALL;
      case PIPELINED, NONE -> null; // sends begin in turn anyway
    };
  }

  // == running ==

  /** What the bridge is called. */
  public String name() {
    return name;
  }

  /** The flow that the bridge is, for whoever starts and stops flows. */
  public RunnableFlow flow() {
    return flow;
  }

  /**
   * Starts to receive.
   *
   * @return the running flow, to look at and to stop
   * @throws IllegalArgumentException if the options contradict each other
   */
  public FlowHandle start() {
    return flow.start();
  }

  /**
   * Begins no more sends. Those on their way come to their end; messages that were taken from the
   * source wait, unsettled and in their order, as many as the look-ahead of the flow allows.
   */
  public void pause() {
    reach.pause(true);
  }

  /** Ends a pause, within a tenth of a second. */
  public void resume() {
    reach.pause(false);
  }

  // == health ==

  /** What it is doing. Of the flow that was started last, if there are several. */
  public BridgeHealth health() {
    Reach.State target = reach.state();
    Failure last = target.last();
    FlowHandle running = watch.flow();
    FlowHandle.Stats stats = running == null ? null : running.stats();
    State state = state(target, stats);
    Throwable trouble = trouble(stats);
    return new BridgeHealth(
        state,
        target.since(),
        tally.confirmed(),
        echoes.sum(),
        watch.rejected(),
        target.outages(),
        watch.unacknowledged(),
        watch.oldest(),
        watch.lag(),
        rate.perSecond(),
        target.failures(),
        trouble != null ? trouble : last == null ? null : last.error(),
        trouble != null || last == null ? null : last.at());
  }

  private State state(Reach.State target, FlowHandle.@Nullable Stats stats) {
    if (stats == null || stats.state() != FlowHandle.State.RUNNING) {
      return State.DOWN;
    }
    if (reach.isPaused()) {
      return State.PAUSED;
    }
    if (target.phase() != Phase.REACHABLE) {
      return State.TARGET_AWAY;
    }
    return stats.stall() == null ? State.UP : State.STALLED;
  }

  private static @Nullable Throwable trouble(FlowHandle.@Nullable Stats stats) {
    if (stats == null) {
      return null;
    }
    FlowHandle.Stall stall = stats.stall();
    return stall == null ? stats.failure() : stall.cause();
  }

  /** That its target is away, and since when. */
  @Override
  public @Nullable String warning() {
    BridgeHealth health = health();
    return health.state() == State.TARGET_AWAY
        ? "the target of bridge "
            + name
            + " has been away since "
            + health.since()
            + ": "
            + health.consecutiveFailures()
            + " sends have failed"
        : null;
  }

  /**
   * Its numbers, tagged with its name as {@code bridge}: {@code sluice.bridge.up} (1 or 0), {@code
   * .crossed}, {@code .echoes}, {@code .rejected}, {@code .outages}, {@code .unacknowledged},
   * {@code .oldest.age}, {@code .lag}, {@code .rate} and {@code .failures}, those in a row.
   */
  @Override
  public void meters(Meters meters) {
    Meters bridge = meters.with("bridge", name);
    String messages = "messages";
    bridge.gauge("sluice.bridge.up", "bridges", "Messages cross", () -> health().isUp() ? 1 : 0);
    bridge.counter("sluice.bridge.crossed", messages, "Confirmed by the target", tally::confirmed);
    bridge.counter(
        "sluice.bridge.echoes", messages, "Not sent back to where they come from", echoes::sum);
    bridge.counter("sluice.bridge.rejected", messages, "Sent to the dead letters", watch::rejected);
    bridge.counter(
        "sluice.bridge.outages",
        "outages",
        "How often the target was away",
        () -> reach.state().outages());
    bridge.gauge(
        "sluice.bridge.unacknowledged",
        messages,
        "Taken from the source and not done",
        watch::unacknowledged);
    bridge.gauge(
        "sluice.bridge.oldest.age",
        "seconds",
        "How long the oldest of them has been out",
        () -> watch.oldest().toNanos() / 1e9);
    bridge.gauge("sluice.bridge.lag", messages, "That have not crossed", () -> orNaN(watch.lag()));
    bridge.gauge(
        "sluice.bridge.rate", "messages per second", "Confirmed by the target", rate::perSecond);
    bridge.gauge(
        "sluice.bridge.failures",
        "sends",
        "That have failed since one was confirmed",
        () -> reach.state().failures());
  }

  private static double orNaN(OptionalLong number) {
    return number.isPresent() ? number.getAsLong() : Double.NaN;
  }

  @Override
  public String toString() {
    return "bridge " + name + ' ' + health();
  }
}
