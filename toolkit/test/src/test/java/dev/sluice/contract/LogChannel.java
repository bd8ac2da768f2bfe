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
package dev.sluice.contract;

import dev.sluice.channel.Capability;
import dev.sluice.channel.Channel;
import dev.sluice.channel.ChannelInfo;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.SettlementCore;
import dev.sluice.message.Message;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * A log with partitions, offsets and one group of consumers, small enough to be seen through: what
 * a channel over Kafka is, without Kafka. It keeps the contract; to test the tests, one {@link
 * Mistake} can be asked for.
 *
 * <p>Everything happens on one thread. What others want is a task for it, and after each task
 * whatever can go on goes on.
 */
final class LogChannel implements Channel {

  static final Set<Capability> CAPABILITIES = Set.of(Capability.ORDERED_GROUPS, Capability.DEPTH);

  private static final Scheduler THREAD = Schedulers.single();
  private static final int PARTITIONS = 3;
  private static final int POLL = 8;
  private static final long FLUSH_MILLIS = 1_000;

  /** What survives a crash. */
  private static final class Log {
    final String name;
    final List<List<Message<byte[]>>> partitions = new ArrayList<>();
    final long[] committed = new long[PARTITIONS];
    long epoch;
    int spread;

    Log(String name) {
      this.name = name;
      for (int p = 0; p < PARTITIONS; p++) {
        partitions.add(new ArrayList<>());
      }
    }
  }

  /** One partition for one period of ownership. */
  private static final class Window {
    final int partition;
    final long epoch;
    final Member member;
    final Queue<Entry> ahead = new ArrayDeque<>();
    final Queue<Entry> returned =
        new PriorityQueue<>(Comparator.comparingLong((Entry entry) -> entry.offset));
    final TreeSet<Long> unsettled = new TreeSet<>();
    final Set<LogSettlement> out = new HashSet<>();
    final Set<LogSettlement> uncommitted = new HashSet<>();
    long position;
    long highest;
    boolean commitDue;
    boolean closed;

    Window(int partition, long epoch, Member member, long position) {
      this.partition = partition;
      this.epoch = epoch;
      this.member = member;
      this.position = position;
    }
  }

  private static final class Entry {
    final Window window;
    final long offset;
    final Message<byte[]> message;
    int attempt = 1;

    Entry(Window window, long offset, Message<byte[]> message) {
      this.window = window;
      this.offset = offset;
      this.message = message;
    }
  }

  private final Log log;
  private final Mistake mistake;
  private final long commitMillis;
  private final List<Member> members = new ArrayList<>();
  private final @Nullable Window[] windows = new Window[PARTITIONS];

  private LogChannel(Log log, Mistake mistake) {
    this.log = log;
    this.mistake = mistake;
    // Who does not wait for the broker is found out when the broker is slow.
    this.commitMillis =
        mistake == Mistake.DURABLE_BEFORE_CONFIRMED || mistake == Mistake.NO_FLUSH_AT_THE_END
            ? 500
            : 5;
  }

  static LogChannel create(String name, Mistake mistake) {
    return new LogChannel(new Log(name), mistake);
  }

  // == what a rig does ==

  /** The members die without a word. */
  LogChannel restart() {
    return on(() -> {
          members.forEach(member -> member.ended = true);
          members.forEach(member -> member.letters.dispose());
          members.clear();
          closeAll();
          return new LogChannel(log, mistake);
        })
        .block();
  }

  /** The group throws its members out, and takes them in again. */
  void expelMembers() {
    on(() -> {
          List<Window> before = closeAll();
          rebalance();
          if (mistake == Mistake.STALE_RECORDS_ADMITTED) {
            before.forEach(this::admitStale);
          }
          return true;
        })
        .block();
  }

  private void admitStale(Window before) {
    Window after = windows[before.partition];
    if (after != null) {
      for (Entry entry : before.ahead) {
        after.ahead.add(new Entry(after, entry.offset, entry.message));
        after.unsettled.add(entry.offset);
        after.position = entry.offset + 1;
      }
    }
  }

  // == the one thread ==

  private <T> Mono<T> on(Supplier<T> task) {
    return Mono.fromSupplier(
            () -> {
              T result = task.get();
              goOn();
              return result;
            })
        .subscribeOn(THREAD);
  }

  private void run(Runnable task) {
    THREAD.schedule(
        () -> {
          task.run();
          goOn();
        });
  }

  private void later(long millis, Runnable task) {
    THREAD.schedule(
        () -> {
          task.run();
          goOn();
        },
        millis,
        TimeUnit.MILLISECONDS);
  }

  private void goOn() {
    List.copyOf(members).forEach(Member::goOn);
  }

  // == the group ==

  /** Gives to each member its share; who gives up a partition commits first. */
  private void rebalance() {
    log.epoch++;
    for (int p = 0; p < PARTITIONS; p++) {
      Window window = windows[p];
      Member owner = members.isEmpty() ? null : members.get(p % members.size());
      if (window != null && window.member != owner) {
        commit(window);
        close(window);
      }
      if (windows[p] == null && owner != null) {
        windows[p] = new Window(p, log.epoch, owner, log.committed[p]);
      }
    }
  }

  private List<Window> closeAll() {
    List<Window> closed = new ArrayList<>();
    for (Window window : windows) {
      if (window != null) {
        close(window);
        closed.add(window);
      }
    }
    return closed;
  }

  /** What is not durable is lost. */
  private void close(Window window) {
    window.closed = true;
    windows[window.partition] = null;
    window.uncommitted.forEach(LogSettlement::lose);
    if (mistake != Mistake.NO_EPOCH_CHECK) {
      window.out.forEach(LogSettlement::lose);
    }
  }

  private void commitSoon(Window window) {
    if (!window.commitDue) {
      window.commitDue = true;
      later(commitMillis, () -> commit(window));
    }
  }

  /** The broker takes the commit and confirms it. */
  private void commit(Window window) {
    window.commitDue = false;
    if (!window.closed) {
      long frontier = frontier(window);
      log.committed[window.partition] = Math.max(log.committed[window.partition], frontier);
      confirm(window, frontier);
    }
  }

  private void confirm(Window window, long committed) {
    window.uncommitted.removeIf(settlement -> settlement.confirm(committed));
  }

  private long frontier(Window window) {
    if (mistake == Mistake.COMMIT_HIGHEST_SEEN) {
      return window.highest;
    }
    return window.unsettled.isEmpty() ? window.position : window.unsettled.first();
  }

  // == channel ==

  @Override
  public ChannelInfo info() {
    return new ChannelInfo(log.name, CAPABILITIES);
  }

  @Override
  public Mono<Long> depth() {
    return on(
        () -> {
          long depth = 0;
          for (int p = 0; p < PARTITIONS; p++) {
            depth += log.partitions.get(p).size() - log.committed[p];
          }
          return depth;
        });
  }

  @Override
  public Mono<Receipt> send(Message<byte[]> message) {
    return on(
        () -> {
          String group = message.group();
          int p = Math.floorMod(group == null ? log.spread++ : group.hashCode(), PARTITIONS);
          List<Message<byte[]>> partition = log.partitions.get(p);
          partition.add(message);
          return new Receipt(log.name, message.id(), position(p, partition.size() - 1));
        });
  }

  private static String position(int partition, long offset) {
    return partition + "@" + offset;
  }

  @Override
  public Flux<Delivery<byte[]>> receive(ReceiveOptions options) {
    return new Flux<>() {
      @Override
      public void subscribe(CoreSubscriber<? super Delivery<byte[]>> actual) {
        new Member(actual, options).start();
      }
    };
  }

  /** One subscription. */
  private final class Member implements Subscription {

    private final CoreSubscriber<? super Delivery<byte[]>> actual;
    private final ReceiveOptions options;
    private final Disposable.Composite letters = Disposables.composite();
    private final Disposable.Swap stopSignal = Disposables.swap();
    private volatile boolean cancelled;
    private long requested;
    private int unsettled;
    private int lettersUnderWay;
    private @Nullable Throwable failure;
    private boolean stopping;
    private boolean graceOver;
    private boolean flushing;
    private boolean flushOver;
    private boolean ended;

    Member(CoreSubscriber<? super Delivery<byte[]>> actual, ReceiveOptions options) {
      this.actual = actual;
      this.options = options;
    }

    void start() {
      actual.onSubscribe(this);
      run(
          () -> {
            members.add(this);
            rebalance();
          });
      stopSignal.update(
          options
              .stop()
              .defaultIfEmpty(Duration.ZERO)
              .onErrorReturn(Duration.ZERO)
              .subscribe(grace -> run(() -> stop(grace))));
    }

    @Override
    public void request(long n) {
      run(() -> requested = Operators.addCap(requested, n));
    }

    @Override
    public void cancel() {
      cancelled = true;
      run(() -> {});
    }

    private void stop(Duration grace) {
      stopping = true;
      later(Math.max(0, grace.toMillis()), () -> graceOver = true);
    }

    void goOn() {
      for (LogSettlement next; (next = next()) != null; ) {
        if (mistake == Mistake.ACKNOWLEDGE_ON_DELIVERY) {
          next.settle(Outcome.ack());
        }
        actual.onNext(next.delivery());
      }
      boolean over = cancelled || failure != null;
      if (!flushing && (over || (stopping && (unsettled == 0 || graceOver)))) {
        flushing = true;
        later(FLUSH_MILLIS, () -> flushOver = true);
      }
      if (flushing && !ended && (lettersUnderWay == 0 || flushOver)) {
        ended = true;
        leave();
      }
    }

    private @Nullable LogSettlement next() {
      boolean demand = requested > 0 || mistake == Mistake.DEMAND_IGNORED;
      boolean room = unsettled < options.maxUnsettled() || mistake == Mistake.WINDOW_IGNORED;
      if (ended || stopping || cancelled || failure != null || !demand || !room) {
        return null;
      }
      for (Window window : windows) {
        Entry entry = window == null || window.member != this ? null : next(window);
        if (entry != null) {
          requested -= requested == Long.MAX_VALUE || requested == 0 ? 0 : 1;
          unsettled++;
          LogSettlement settlement = new LogSettlement(this, entry);
          entry.window.out.add(settlement);
          settlement.onDone(outcome -> run(() -> unsettled--));
          return settlement;
        }
      }
      return null;
    }

    private @Nullable Entry next(Window window) {
      if (!window.returned.isEmpty()) {
        return window.returned.poll();
      }
      List<Message<byte[]>> partition = log.partitions.get(window.partition);
      while (window.ahead.size() < POLL && window.position < partition.size()) {
        window.ahead.add(new Entry(window, window.position, partition.get((int) window.position)));
        window.unsettled.add(window.position++);
      }
      return window.ahead.poll();
    }

    private void leave() {
      stopSignal.dispose();
      letters.dispose();
      for (Window window : windows) {
        if (window != null && window.member == this) {
          if (mistake == Mistake.CANCEL_IS_AN_ACK && cancelled) {
            window.out.forEach(settlement -> window.unsettled.remove(settlement.entry.offset));
          }
          if (mistake != Mistake.NO_FLUSH_AT_THE_END) {
            commit(window);
          }
          close(window);
        }
      }
      members.remove(this);
      rebalance();
      run(() -> {}); // for those that are left
      if (!cancelled && failure != null) {
        actual.onError(failure);
      } else if (!cancelled) {
        actual.onComplete();
      }
    }
  }

  private final class LogSettlement extends SettlementCore {

    private final Member member;
    private final Entry entry;
    private final Origin origin;

    LogSettlement(Member member, Entry entry) {
      this.member = member;
      this.entry = entry;
      this.origin =
          new Origin(
              log.name,
              position(entry.window.partition, entry.offset),
              entry.attempt,
              member.options.clock().instant(),
              entry.window.epoch);
    }

    Delivery<byte[]> delivery() {
      return new Delivery<>(entry.message, LeakDetector.track(this, "at the log"), origin);
    }

    @Override
    protected void onDecided(Outcome outcome) {
      run(() -> decided(outcome));
    }

    private void decided(Outcome outcome) {
      if (outcome instanceof Outcome.Reject reject) {
        if (mistake == Mistake.CONSUMED_BEFORE_LETTER) {
          consume();
        }
        letter(reject);
      } else if (outcome instanceof Outcome.Retry retry) {
        giveBack(retry.delay(), 1);
      } else if (outcome instanceof Outcome.Release release
          && mistake != Mistake.RELEASE_IS_AN_ACK) {
        giveBack(release.delay(), 0);
      } else {
        consume();
      }
    }

    private void letter(Outcome.Reject reject) {
      Disposable.Swap letter = Disposables.swap();
      member.letters.add(letter);
      member.lettersUnderWay++;
      letter.update(
          member
              .options
              .deadLetter(entry.message, origin, reject)
              .doFinally(signal -> run(() -> member.lettersUnderWay--))
              .subscribe(
                  nothing -> {},
                  error -> run(() -> member.failure = error),
                  () -> run(this::consume)));
    }

    private void consume() {
      Window window = entry.window;
      if (window.closed && mistake == Mistake.NO_EPOCH_CHECK) {
        window = windows[window.partition];
      }
      if (window == null || window.closed) {
        markLost();
        return;
      }
      window.out.remove(this);
      window.uncommitted.add(this);
      window.unsettled.remove(entry.offset);
      window.highest = Math.max(window.highest, entry.offset + 1);
      markDone();
      if (mistake == Mistake.DURABLE_BEFORE_CONFIRMED) {
        LogChannel.this.confirm(window, frontier(window));
      }
      commitSoon(window);
    }

    private void giveBack(Duration delay, int attempts) {
      if (entry.window.closed) {
        markLost();
        return;
      }
      entry.window.out.remove(this);
      entry.attempt += attempts;
      if (delay.isZero()) {
        entry.window.returned.add(entry); // before the room is free
      } else {
        later(delay.toMillis(), () -> entry.window.returned.add(entry));
      }
      markDurable();
    }

    /** Whether that commit makes it durable. */
    boolean confirm(long committed) {
      if (entry.offset < committed) {
        markDurable();
      }
      return entry.offset < committed;
    }

    void lose() {
      markLost();
    }

    @Override
    public String toString() {
      return origin.position() + " (attempt " + origin.attempt() + ')';
    }
  }
}
