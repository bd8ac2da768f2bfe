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
package dev.sluice.postgres;

import dev.sluice.channel.BrowseQuery;
import dev.sluice.channel.Capability;
import dev.sluice.channel.Channel;
import dev.sluice.channel.ChannelInfo;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.channel.Waiting;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.StaleDelivery;
import dev.sluice.message.Message;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import io.r2dbc.spi.Connection;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * A queue in a PostgreSQL database.
 *
 * <p><b>Order.</b> Messages of one group are delivered in the order in which their sends were
 * committed, one at a time over all consumers of all processes: the next follows when the one
 * before is consumed, also across retries, releases and lost leases. Groups take turns, the one
 * that has been waiting longest first. Messages without a group are delivered by priority, and of
 * equals the one that was sent first; a less urgent one is overtaken only by those that were sent
 * within {@link PostgresChannelSpec#agingStep} for each level between them.
 *
 * <p><b>Redelivery.</b> A message that is retried or released goes back to its place, after its
 * delay; a group waits for its first message. An attempt is counted in the database when a message
 * is claimed and given back by a Release, so a crash and a lost lease count.
 *
 * <p><b>Leases.</b> What is delivered belongs to its consumer for {@link ReceiveOptions#lease()},
 * at least 1 s, and is renewed three times in that by a heartbeat of its own until it is done, for
 * {@link PostgresChannelSpec#maxLease} at the longest. The clock is the database's. Each hand-out
 * has a higher {@link dev.sluice.delivery.Origin#epoch()} than all before; a settlement of an older
 * one is refused by the database.
 *
 * <p><b>Expiry.</b> A message that has expired when its turn comes, by the database's clock, is not
 * delivered but rejected as {@link dev.sluice.delivery.DeadLetterReason#EXPIRED}.
 *
 * <p><b>Outages.</b> A consumer outlives those of the database: it asks again until it is back.
 * What was decided meanwhile takes effect then, unless the lease has ended and somebody else has
 * claimed the message.
 *
 * <p>Thread-safe. It needs no closing; what it uses is the database's.
 */
public final class PostgresChannel implements Channel, Metered {

  /** A shorter lease would not outlive a hiccup of the network. */
  static final Duration SHORTEST_LEASE = Duration.ofSeconds(1);

  /** Notifications are serialized by the server, so they are few. */
  private static final Duration HINT_PERIOD = Duration.ofMillis(10);

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
          Capability.TRANSACTIONAL,
          Capability.REDELIVERY_COUNT);

  /**
   * What this process does with a channel, at one moment.
   *
   * @param consumers subscriptions that have not come to their end
   * @param held messages in the memory of consumers: those that are out and not done, and those
   *     that follow them in their groups
   * @param waitingSends sends that wait for their batch; at most 10 000
   * @param lost deliveries whose lease ended before they were settled, since the channel was made
   * @param redundant decisions that came after another, since the channel was made; must stay 0
   */
  public record Gauges(int consumers, int held, int waitingSends, long lost, long redundant) {}

  private final PostgresDatabase database;
  private final ChannelInfo info;
  private final PostgresChannelSpec spec;
  private final Sender sender;
  private final Depth depth;
  private final Browse browse;
  private final Transaction transaction;
  private final Map<Long, PostgresSettlement> out = new ConcurrentHashMap<>();
  private final LongAdder lost = new LongAdder();
  private final LongAdder redundant = new LongAdder();
  private final AtomicBoolean hinting = new AtomicBoolean();
  private final Set<PostgresConsumer> consumers = ConcurrentHashMap.newKeySet();

  private PostgresChannel(PostgresDatabase database, String name, PostgresChannelSpec spec) {
    this.database = database;
    this.info = new ChannelInfo(name, CAPABILITIES);
    this.spec = spec;
    this.sender =
        new Sender(
            name, new Enqueue(database, name, spec.agingStep()), Schedulers.parallel(), this::sent);
    this.transaction = new Transaction(database, name);
    this.depth = new Depth(database, name);
    this.browse = new Browse(database, name);
  }

  /** The channel of this name, with the default options. */
  public static PostgresChannel create(PostgresDatabase database, String name) {
    return create(database, name, spec -> spec);
  }

  /**
   * The channel of this name; it is there as soon as something is sent to it.
   *
   * @param database where it is kept; closing that ends the channel
   * @param name what the channel is called, in its tables too; 1..256 characters, not blank
   * @param spec changes the default options
   * @throws IllegalArgumentException if the name or an option is out of range
   */
  public static PostgresChannel create(
      PostgresDatabase database, String name, UnaryOperator<PostgresChannelSpec> spec) {
    if (name.length() > 256 || name.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(
          "name: " + name.length() + " characters (expected: 1..256, none of them U+0000)");
    }
    return new PostgresChannel(
        Objects.requireNonNull(database, "database"),
        name,
        Objects.requireNonNull(spec.apply(PostgresChannelSpec.DEFAULT), "spec"));
  }

  @Override
  public ChannelInfo info() {
    return info;
  }

  /**
   * Sends one message. Sends at about the same time go with one statement.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>the receipt, once the message is committed
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>completes with the receipt; fails with {@link dev.sluice.channel.SendFailed}: not sent
   *       when no connection could be had or 10 000 sends wait, unknown when the answer to the
   *       commit was lost, permanent when PostgreSQL will not take the message
   *   <dt>Cancel
   *   <dd>a message that still waits for its batch is not sent; another may arrive
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on {@code Schedulers.parallel()}
   * </dl>
   */
  @Override
  public Mono<Receipt> send(Message<byte[]> message) {
    return sender.send(Objects.requireNonNull(message, "message"));
  }

  /**
   * Deliveries from the channel. Each subscription is one competing consumer.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>a delivery for each message, and again for each that was given back, retried or lost
   *   <dt>Backpressure
   *   <dd>never more than requested; at most {@link ReceiveOptions#maxUnsettled()} messages are in
   *       memory: those that are out and not yet done, and those that follow them in their groups
   *   <dt>Completes/Errors
   *   <dd>completes after {@link ReceiveOptions#stop()} has fired and everything is done; fails
   *       with {@link dev.sluice.channel.NoDeadLetterTarget} when a delivery is rejected and nobody
   *       takes dead letters, and with {@link dev.sluice.store.StoreFailed} on trouble with the
   *       database that will not pass
   *   <dt>Cancel
   *   <dd>what is undecided is released, and lost to its holder; what was decided takes effect, and
   *       dead letters on their way are waited for, within {@link PostgresChannelSpec#flush}. The
   *       end of the time that a stop gives, and an error, do the same
   *   <dt>Discard
   *   <dd>what waits behind others in its group goes back with the group
   *   <dt>Threads
   *   <dd>deliveries, losses and the end arrive on a worker of {@link
   *       PostgresChannelSpec#scheduler}
   * </dl>
   */
  @Override
  public Flux<Delivery<byte[]>> receive(ReceiveOptions options) {
    Objects.requireNonNull(options, "options");
    return FluxReceive.create(this, options, LeakDetector.assembly(), spec.scheduler());
  }

  /**
   * Messages that wait: resting ones and those behind others in their groups included, those that
   * are out not. They are counted, which takes longer the more there are.
   */
  @Override
  public Mono<Long> depth() {
    return depth.count();
  }

  /**
   * {@inheritDoc} Of messages in groups all of the channel, or of the group that is asked for, are
   * read, which takes longer the more there are.
   */
  @Override
  public Flux<Waiting> browse(BrowseQuery query) {
    return browse.browse(query);
  }

  /**
   * Consumes a message in one transaction with writes of yours: both happen, or neither. For tables
   * in the same database that makes the effect of a message happen exactly once.
   *
   * <pre>{@code
   * channel.inTransaction(
   *     delivery,
   *     connection ->
   *         Mono.from(connection.createStatement("insert into booking …").execute())
   *             .flatMap(result -> Mono.from(result.getRowsUpdated())))
   * }</pre>
   *
   * <p>The lease is verified and locked first, so nobody else has the message while it runs. When
   * it is committed, the delivery has been acknowledged.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>what the work emits, when it is committed
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>completes when it is committed. If the work fails, or the commit, everything is undone:
   *       it fails with the error of the work or with {@link dev.sluice.store.StoreFailed}, and the
   *       delivery is still to be settled. Fails with {@link StaleDelivery} when the delivery is
   *       not ours any more, with {@link IllegalStateException} when it has been decided already. A
   *       commit whose answer was lost is looked up; when nobody can tell any more, it fails, and
   *       the lease has ended
   *   <dt>Cancel
   *   <dd>stops waiting; a transaction that has begun is seen to its end, and the delivery with it
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>the work on the thread of its connection; the result on {@code Schedulers.parallel()}
   * </dl>
   *
   * @param delivery one that this channel object has delivered, also under another settlement
   * @param work uses the connection and nothing else of the database, reads its results to their
   *     ends, neither commits nor rolls back, and ends within {@link
   *     PostgresSpec#transactionTimeout}. After a deadlock it is called again
   */
  public <R> Mono<R> inTransaction(
      Delivery<?> delivery, Function<? super Connection, ? extends Mono<R>> work) {
    Objects.requireNonNull(delivery, "delivery");
    Objects.requireNonNull(work, "work");
    return Mono.defer(
        () -> {
          PostgresSettlement settlement = out.get(delivery.origin().epoch());
          if (settlement == null
              || !settlement.origin.position().equals(delivery.origin().position())) {
            return Mono.error(new StaleDelivery(delivery + " is not ours any more"));
          }
          if (!settlement.join()) {
            return Mono.error(
                settlement.isLost()
                    ? new StaleDelivery(delivery + " is not ours any more")
                    : new IllegalStateException(
                        delivery + ": decided, or in a transaction (expected: undecided)"));
          }
          Mono<R> run =
              transaction
                  .run(settlement, work, settlement.consumer::isOurs)
                  .doOnError(error -> settlement.leave(false))
                  .doOnSuccess(
                      result -> {
                        settlement.leave(true);
                        delivery.settlement().settle(Outcome.ack());
                      });
          return Db.detached(run);
        });
  }

  /** What this process does with the channel now. */
  public Gauges gauges() {
    return new Gauges(
        consumers.size(),
        consumers.stream().mapToInt(PostgresConsumer::held).sum(),
        sender.waiting(),
        lost.sum(),
        redundant.sum());
  }

  /**
   * The numbers of {@link #gauges()}, tagged with the name as {@code channel}: {@code
   * sluice.postgres.consumers}, {@code .held} and {@code .sends.waiting}, and {@code
   * sluice.settle.stale} and {@code .redundant}.
   */
  @Override
  public void meters(Meters to) {
    Meters meters = to.with("channel", name());
    String messages = "messages";
    meters.gauge(
        "sluice.postgres.consumers", "subscriptions", "That receive", () -> gauges().consumers());
    meters.gauge(
        "sluice.postgres.held", messages, "In the memory of consumers", () -> gauges().held());
    meters.gauge(
        "sluice.postgres.sends.waiting",
        messages,
        "That wait for their batch",
        () -> gauges().waitingSends());
    meters.counter(
        "sluice.settle.stale",
        "decisions",
        "That came to nothing, because the lease had ended",
        () -> gauges().lost());
    meters.counter(
        "sluice.settle.redundant",
        "decisions",
        "About a delivery that was decided already",
        () -> gauges().redundant());
  }

  private void sent() {
    wake();
    if (hinting.compareAndSet(false, true)) {
      Schedulers.parallel().schedule(this::hint, HINT_PERIOD.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  /** Who listens learns of it soon; who does not, when it asks. */
  private void hint() {
    hinting.set(false);
    database.wakeups().hint(name()).subscribe(nothing -> {}, error -> {});
  }

  // == consumer side ==

  PostgresDatabase database() {
    return database;
  }

  PostgresChannelSpec spec() {
    return spec;
  }

  Duration lease(ReceiveOptions options) {
    Duration lease = options.lease();
    if (lease.compareTo(SHORTEST_LEASE) < 0) {
      return SHORTEST_LEASE;
    }
    return lease.compareTo(spec.maxLease()) > 0 ? spec.maxLease() : lease;
  }

  void join(PostgresConsumer consumer) {
    consumers.add(consumer);
  }

  void forget(PostgresConsumer consumer) {
    consumers.remove(consumer);
  }

  void countLost() {
    lost.increment();
  }

  void countRedundant() {
    redundant.increment();
  }

  void out(PostgresSettlement settlement) {
    out.put(settlement.claimed.claim, settlement);
  }

  void in(PostgresSettlement settlement) {
    out.remove(settlement.claimed.claim, settlement);
  }

  /** There may be something for the consumers of this process. */
  void wake() {
    consumers.forEach(PostgresConsumer::wake);
  }

  /** All consumers renew their leases now, and find out what they have lost. */
  void beat() {
    consumers.forEach(PostgresConsumer::beat);
  }

  @Override
  public String toString() {
    return name() + " in " + database;
  }
}
