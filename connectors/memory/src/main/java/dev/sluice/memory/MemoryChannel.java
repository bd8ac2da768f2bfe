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
package dev.sluice.memory;

import dev.sluice.channel.BrowseQuery;
import dev.sluice.channel.Capability;
import dev.sluice.channel.Channel;
import dev.sluice.channel.ChannelInfo;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.channel.SendFailed;
import dev.sluice.channel.Waiting;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Origin;
import dev.sluice.memory.GroupQueues.Claim;
import dev.sluice.message.Message;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.core.scheduler.Scheduler;

/**
 * A channel in this JVM, with the guarantees of a good broker except one: what it holds is gone
 * when the process ends. For tests, for demos, and for levelling load where that is acceptable.
 *
 * <p><b>Order.</b> Messages of one group are delivered in the order of their sends, one at a time
 * over all consumers: the next follows when the one before is consumed, also across retries,
 * releases and lost leases. Among groups and messages without a group, the most urgent is delivered
 * first, and of equals the one that was sent first. A group is as urgent as its first message, so
 * order within a group wins over priority. Priority is strict: as long as more urgent messages
 * come, less urgent ones wait.
 *
 * <p><b>Redelivery.</b> A message that is retried or released goes back to its place, after its
 * delay; a group waits for its first message. An attempt is counted when a message is handed out
 * and given back by a Release, so a lost lease counts.
 *
 * <p><b>Leases.</b> Channel and consumer live in the same process, so there is nothing to renew
 * over a wire: {@link ReceiveOptions#lease()} is not looked at, and a delivery belongs to its
 * consumer until it is done, the subscription ends, or {@link MemoryChannelSpec#maxLease} is over.
 * Each hand-out has a higher {@link Origin#epoch()} than all before; settling an older one has no
 * effect.
 *
 * <p><b>Expiry.</b> A message that has expired when its turn comes is not delivered but rejected as
 * {@link dev.sluice.delivery.DeadLetterReason#EXPIRED}; the clock is the consumer's.
 *
 * <p><b>Capacity.</b> A full channel makes sends wait, in their order; as many may wait as the
 * channel holds messages, the next fails as not sent. Bodies are handed over, not copied: whoever
 * changes an array after sending it changes the message.
 *
 * <p>Thread-safe. It owns no thread and needs no closing.
 */
public final class MemoryChannel implements Channel, Metered {

  /*
   * Threads: everything may be called from any thread. The guard protects queues, waiting, sends,
   * consumers and wakeAt; it is never held while a signal is sent or a task is scheduled. Each
   * method that changes something under the guard collects what follows from it (Effects) and
   * carries it out afterwards.
   *
   * waiting    consumers that want a message and found none
   * consumers  those that have not come to their end, whether they still receive or not
   * sends      sends that found the channel full
   * wakeAt     when the timer has to fire; who lowers it arms the timer afterwards
   *
   * Invariants:
   *   I1  waiting is empty, or nothing is ready, or a consumer has been woken: it claims or passes
   *       on, and either wakes the next one if there is more
   *   I2  sends is empty or the channel is full
   *   I3  wakeAt <= queues.nextDeadline()
   */

  private static final Set<Capability> CAPABILITIES =
      EnumSet.of(
          Capability.ORDERED_GROUPS,
          Capability.EXCLUSIVE_GROUPS,
          Capability.PRIORITY,
          Capability.DELAY,
          Capability.EXPIRY,
          Capability.LEASES,
          Capability.DEPTH,
          Capability.BROWSE,
          Capability.REDELIVERY_COUNT);

  /** As every channel takes ahead. */
  private static final int MOST_AHEAD = 256;

  /**
   * What a channel holds at one moment.
   *
   * @param waiting messages that are not out, delayed ones and those behind others included
   * @param ready messages that could be handed out now
   * @param delayed messages, or groups with all that wait in them, that rest until a time
   * @param unsettled messages that are out
   * @param groups groups that have messages
   * @param waitingSends sends that wait for room
   * @param consumers subscriptions that receive
   * @param capacity the bound on {@code waiting + unsettled}
   */
  public record Stats(
      int waiting,
      int ready,
      int delayed,
      int unsettled,
      int groups,
      int waitingSends,
      int consumers,
      int capacity) {}

  private final ChannelInfo info;
  private final int capacity;
  private final long maxLease;
  private final Scheduler scheduler;
  private final long epoch;
  private final MemoryTimer timer;

  private final Object guard = new Object();
  private final GroupQueues queues = new GroupQueues();
  private final Set<MemoryConsumer> waiting = new LinkedHashSet<>();
  private final Set<WaitingSend> sends = new LinkedHashSet<>();
  private final Set<MemoryConsumer> consumers = new HashSet<>();
  private long wakeAt = GroupQueues.NEVER;

  private MemoryChannel(String name, MemoryChannelSpec spec) {
    this.info = new ChannelInfo(name, CAPABILITIES);
    this.capacity = spec.capacity();
    this.maxLease = GroupQueues.nanos(spec.maxLease());
    this.scheduler = spec.scheduler();
    this.epoch = scheduler.now(TimeUnit.NANOSECONDS);
    this.timer = new MemoryTimer(scheduler, this::untilNext, this::onTimer);
  }

  /** An empty channel for 100 000 messages, on {@code Schedulers.parallel()}. */
  public static MemoryChannel create(String name) {
    return create(name, spec -> spec);
  }

  /**
   * An empty channel.
   *
   * @param name what the channel is called in origins, receipts and errors; not blank
   * @param spec the options, from defaults: 100 000 messages, at most 1 hour for a delivery, {@code
   *     Schedulers.parallel()}
   * @throws IllegalArgumentException if the name is blank or an option is out of range
   */
  public static MemoryChannel create(String name, UnaryOperator<MemoryChannelSpec> spec) {
    return new MemoryChannel(
        name, Objects.requireNonNull(spec.apply(MemoryChannelSpec.defaults()), "spec"));
  }

  @Override
  public ChannelInfo info() {
    return info;
  }

  // == sending ==

  /**
   * Sends one message.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>the receipt, once the channel has room and has taken the message
   *   <dt>Backpressure
   *   <dd>not applicable; a full channel makes the receipt wait
   *   <dt>Completes/Errors
   *   <dd>completes with the receipt; fails with {@link SendFailed}, certainly not sent, when as
   *       many sends wait as the channel holds messages
   *   <dt>Cancel
   *   <dd>a message that still waits is not sent
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on the subscriber's thread if there is room, else on the channel's scheduler
   * </dl>
   */
  @Override
  public Mono<Receipt> send(Message<byte[]> message) {
    Objects.requireNonNull(message, "message");
    return Mono.create(sink -> offer(new WaitingSend(message, sink)));
  }

  /** {@inheritDoc} No more of them wait than may wait. */
  @Override
  public Flux<Receipt> sendAll(Publisher<? extends Message<byte[]>> messages) {
    return Flux.from(messages).flatMapSequential(this::send, Math.min(MOST_AHEAD, capacity), 1);
  }

  private void offer(WaitingSend send) {
    Receipt receipt = null;
    boolean refused = false;
    Effects effects;
    synchronized (guard) {
      if (queues.size() < capacity) { // then nobody waits, by I2
        receipt = add(send.message);
      } else if (sends.size() < capacity) {
        sends.add(send);
      } else {
        refused = true;
      }
      effects = collect();
    }
    effects.run();
    if (receipt != null) {
      send.sink.success(receipt);
    } else if (refused) {
      send.sink.error(
          SendFailed.notSent(
              name(), "full: " + capacity + " messages and as many sends that wait", null));
    } else {
      send.sink.onCancel(() -> forget(send));
    }
  }

  private void forget(WaitingSend send) {
    synchronized (guard) {
      sends.remove(send);
    }
  }

  private Receipt add(Message<byte[]> message) {
    return new Receipt(name(), message.id(), Long.toString(queues.add(message)));
  }

  // == receiving ==

  /**
   * Deliveries from the channel. Each subscription is one competing consumer; it takes nothing
   * ahead of demand.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>a delivery for each message, and again for each that was given back, retried or lost
   *   <dt>Backpressure
   *   <dd>never more than requested; at most {@link ReceiveOptions#maxUnsettled()} deliveries are
   *       out and not yet done. One whose lease has ended counts until its holder has settled it; a
   *       rejected one until its dead letter is confirmed
   *   <dt>Completes/Errors
   *   <dd>completes after {@link ReceiveOptions#stop()} has fired and everything is done; fails
   *       with {@link dev.sluice.channel.NoDeadLetterTarget} when a delivery is rejected and nobody
   *       takes dead letters
   *   <dt>Cancel
   *   <dd>what is undecided is released, and lost to its holder, on the thread that cancels; dead
   *       letters on their way have 10 more seconds, then their messages go back too. The end of
   *       the time that a stop gives, and an error, do the same
   *   <dt>Discard
   *   <dd>nothing waits inside
   *   <dt>Threads
   *   <dd>deliveries and the end arrive on a worker of the channel's scheduler; losses of leases
   *       are told on that scheduler
   * </dl>
   */
  @Override
  public Flux<Delivery<byte[]>> receive(ReceiveOptions options) {
    Objects.requireNonNull(options, "options");
    return FluxReceive.create(this, options, LeakDetector.assembly(), scheduler);
  }

  /** Messages that wait, delayed ones and those behind others included. */
  @Override
  public Mono<Long> depth() {
    return Mono.fromSupplier(() -> (long) stats().waiting());
  }

  /** {@inheritDoc} All messages are looked at for it, and wait for that long. */
  @Override
  public Flux<Waiting> browse(BrowseQuery query) {
    long after = query.after() == null ? 0 : GroupQueues.parse(query.after());
    return Flux.defer(
        () -> {
          synchronized (guard) {
            return Flux.fromIterable(queues.waiting(query, after, now()));
          }
        });
  }

  /** What the channel holds now. */
  public Stats stats() {
    synchronized (guard) {
      return new Stats(
          queues.size() - queues.out(),
          queues.ready(),
          queues.asleep(),
          queues.out(),
          queues.groups(),
          sends.size(),
          (int) consumers.stream().filter(MemoryConsumer::isRunning).count(),
          capacity);
    }
  }

  /**
   * What the channel holds, tagged with its name as {@code channel}: {@code sluice.channel.depth},
   * {@code sluice.memory.unsettled}, {@code .capacity} and {@code .sends.waiting}.
   */
  @Override
  public void meters(Meters to) {
    Meters meters = to.with("channel", name());
    String messages = "messages";
    meters.gauge(
        "sluice.channel.depth", messages, "That wait, delayed or not", () -> stats().waiting());
    meters.gauge("sluice.memory.unsettled", messages, "That are out", () -> stats().unsettled());
    meters.gauge("sluice.memory.capacity", messages, "That it may hold", () -> capacity);
    meters.gauge(
        "sluice.memory.sends.waiting",
        messages,
        "That find no room and wait",
        () -> stats().waitingSends());
  }

  /**
   * Ends the lease of every undecided delivery that is out, as if each consumer had been silent for
   * too long. For tests of what an application does when it loses its messages.
   *
   * @return how many leases were ended
   */
  public int expireLeases() {
    return tick(GroupQueues.NEVER);
  }

  /**
   * Cuts off every consumer, as the death of its process would: nothing reaches it any more,
   * nothing it decides has an effect, and what it held comes again, counted. Nobody is told, except
   * for the holders of what is lost. For tests of what an application does after a crash.
   *
   * @return how many consumers were cut off, those that were about to end included
   */
  public int crashConsumers() {
    List<MemoryConsumer> crashed;
    synchronized (guard) {
      crashed = List.copyOf(consumers);
    }
    crashed.forEach(MemoryConsumer::cutOff); // all of them, before any gives back what it holds
    crashed.forEach(MemoryConsumer::crash);
    return crashed.size();
  }

  // == consumer side ==

  void join(MemoryConsumer consumer) {
    synchronized (guard) {
      consumers.add(consumer);
    }
  }

  /** The consumer takes no more. */
  void leave(MemoryConsumer consumer) {
    synchronized (guard) {
      waiting.remove(consumer);
    }
  }

  /** The consumer has come to its end. */
  void forget(MemoryConsumer consumer) {
    synchronized (guard) {
      consumers.remove(consumer);
    }
  }

  /** The next message, or null: then the consumer is woken when there may be one. */
  @Nullable MemorySettlement claim(MemoryConsumer consumer) {
    Instant receivedAt = consumer.options().clock().instant();
    MemorySettlement settlement = null;
    Effects effects;
    synchronized (guard) {
      Claim claim = queues.claim(now() + maxLease);
      if (claim != null) {
        settlement =
            new MemorySettlement(this, consumer, claim, origin(claim, receivedAt, consumer));
        claim.whenLost = settlement::lose;
      } else if (consumer.isRunning()) {
        waiting.add(consumer);
      }
      effects = collect();
    }
    effects.run();
    return settlement;
  }

  /** Wakes others for messages that the caller leaves. */
  void passOn() {
    Effects effects;
    synchronized (guard) {
      effects = collect();
    }
    effects.run();
  }

  private Origin origin(Claim claim, Instant receivedAt, MemoryConsumer consumer) {
    return new Origin(
        name(),
        Long.toString(claim.position),
        claim.attempt,
        receivedAt,
        claim.fence,
        consumer.options().maxUnsettled());
  }

  // == settlement side ==

  void consume(MemorySettlement settlement) {
    boolean owned;
    Effects effects;
    synchronized (guard) {
      owned = queues.consume(settlement.claim());
      effects = collect();
    }
    settlement.consumed(owned);
    effects.run();
  }

  void giveBack(MemorySettlement settlement, Duration delay, boolean counted) {
    boolean owned;
    Effects effects;
    synchronized (guard) {
      long now = now();
      owned = queues.giveBack(settlement.claim(), now, now + GroupQueues.nanos(delay), counted);
      effects = collect();
    }
    settlement.givenBack(owned);
    effects.run();
  }

  /** Keeps the lease from ending while a dead letter is on its way. */
  boolean hold(MemorySettlement settlement) {
    synchronized (guard) {
      return queues.hold(settlement.claim());
    }
  }

  // == time ==

  private long now() {
    return scheduler.now(TimeUnit.NANOSECONDS) - epoch;
  }

  private void onTimer() {
    tick(now());
  }

  /** Acts on what time has brought, and ends the leases that would end before a given time. */
  private int tick(long leasesUntil) {
    List<Claim> expired;
    Effects effects;
    synchronized (guard) {
      wakeAt = GroupQueues.NEVER;
      queues.wake(now());
      expired = queues.expire(leasesUntil);
      effects = collect();
    }
    for (Claim claim : expired) {
      Objects.requireNonNull(claim.whenLost).run();
    }
    effects.run();
    return expired.size();
  }

  /** How many nanoseconds until the timer has to fire, or {@link GroupQueues#NEVER}. */
  private long untilNext() {
    synchronized (guard) {
      return wakeAt == GroupQueues.NEVER ? wakeAt : Math.max(0, wakeAt - now());
    }
  }

  // == what follows from a change ==

  /** Restores the invariants; the guard is held. */
  private Effects collect() {
    Effects effects = Effects.NONE;
    while (!sends.isEmpty() && queues.size() < capacity) {
      WaitingSend send = takeFirst(sends);
      Receipt receipt = add(send.message);
      effects = effects.and(() -> later(() -> send.sink.success(receipt)));
    }
    if (queues.ready() > 0 && !waiting.isEmpty()) {
      MemoryConsumer consumer = takeFirst(waiting);
      effects = effects.and(consumer::wake);
    }
    long next = queues.nextDeadline();
    if (next < wakeAt || (next == GroupQueues.NEVER && wakeAt != GroupQueues.NEVER)) {
      wakeAt = next;
      effects = effects.and(timer::arm);
    }
    return effects;
  }

  private void later(Runnable task) {
    try {
      scheduler.schedule(task);
    } catch (RejectedExecutionException e) {
      task.run(); // the message is in the channel, whatever became of the scheduler
    }
  }

  private static <T> T takeFirst(Set<T> set) {
    Iterator<T> first = set.iterator();
    T element = first.next();
    first.remove();
    return element;
  }

  /** What is to be done when the guard has been released, in this order. */
  private static final class Effects {

    static final Effects NONE = new Effects(List.of());

    private final List<Runnable> tasks;

    private Effects(List<Runnable> tasks) {
      this.tasks = tasks;
    }

    Effects and(Runnable task) {
      Effects some = this == NONE ? new Effects(new ArrayList<>(2)) : this;
      some.tasks.add(task);
      return some;
    }

    void run() {
      tasks.forEach(Runnable::run);
    }
  }

  /** A send that waits for room. Two are never equal. */
  private static final class WaitingSend {
    final Message<byte[]> message;
    final MonoSink<Receipt> sink;

    WaitingSend(Message<byte[]> message, MonoSink<Receipt> sink) {
      this.message = message;
      this.sink = sink;
    }
  }
}
