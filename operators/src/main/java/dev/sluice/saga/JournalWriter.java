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

import dev.sluice.store.SagaEvent;
import dev.sluice.store.SagaFenced;
import dev.sluice.store.SagaLog;
import dev.sluice.store.SagaLog.Hold;
import dev.sluice.store.StoreFailed;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.Exceptions;

/**
 * Writes the journal of one saga: one append after the other, each with all that has come by then.
 * What waits for an event goes on when that is durable, and never if the saga is not ours any more.
 *
 * <p>What a step has given is not urgent: it goes with what the body asks for next, if that comes
 * at once. So a step costs one commit, and not two.
 */
final class JournalWriter {

  /*
   * Threads: everything on any thread. lines and turned are guarded by this; the drain is on
   * whichever thread moved wip from 0, and owns flying and revision; the answer to an append comes
   * on the log's thread and is handed to the drain in landed.
   * I1 one append is under way at most; lines are appended in their order, each once.
   * I2 a line's continuation runs after its append has succeeded while the lease was certain, once,
   *    in the drain.
   * I3 after close() nothing is appended and nothing continues.
   */

  private static final Duration FIRST_WAIT = Duration.ofMillis(50);
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(2);

  private final SagaLog log;
  private final DurableSpec spec;
  private final Hold hold;
  private final Consumer<Throwable> lost;

  private List<Line> lines = new ArrayList<>(4);
  private boolean turned;
  private long revision;
  private boolean flying;
  private volatile boolean closed;
  private volatile boolean urgent;
  private volatile long certainUntil;
  private volatile @Nullable List<Line> landed;

  @SuppressWarnings("UnusedVariable") // through the updater only
  private volatile int wip;

  private static final AtomicIntegerFieldUpdater<JournalWriter> WIP =
      AtomicIntegerFieldUpdater.newUpdater(JournalWriter.class, "wip");

  private record Line(SagaEvent event, @Nullable Runnable then) {}

  /**
   * @param asked when the saga was asked for, in nanoseconds: its lease began later
   * @param lost hears once that the saga is not ours any more, or that its journal is out of reach
   */
  JournalWriter(
      SagaLog log,
      DurableSpec spec,
      Hold hold,
      long revision,
      long asked,
      Consumer<Throwable> lost) {
    this.log = log;
    this.spec = spec;
    this.hold = hold;
    this.revision = revision;
    this.lost = lost;
    this.certainUntil = certain(asked);
  }

  private long certain(long asked) {
    return asked + spec.lease().toNanos() * 2 / 3;
  }

  Hold hold() {
    return hold;
  }

  /** The lease has been renewed by who asked then. */
  void renewed(long asked) {
    certainUntil = certain(asked);
  }

  /** The lease is not certain any more. */
  void doubt() {
    certainUntil = spec.nanos();
  }

  /** How long the lease is certain, in nanoseconds; not any more if not positive. */
  long certainFor() {
    return certainUntil - spec.nanos();
  }

  /**
   * The saga wants to begin something forward.
   *
   * @return false if it has turned back
   */
  boolean intent(SagaEvent event, Runnable then) {
    synchronized (this) {
      if (turned) {
        return false;
      }
      lines.add(new Line(event, then));
    }
    flush();
    return true;
  }

  /** Goes with the next line. False if nothing is written any more. */
  boolean add(SagaEvent event) {
    synchronized (this) {
      lines.add(new Line(event, null));
    }
    return !closed;
  }

  /** Nothing is begun forward from here on. */
  void turn(@Nullable SagaEvent event) {
    synchronized (this) {
      turned = true;
      if (event != null) {
        lines.add(new Line(event, null));
      }
    }
    if (event != null) {
      flush();
    }
  }

  void after(SagaEvent event, Runnable then) {
    synchronized (this) {
      lines.add(new Line(event, then));
    }
    flush();
  }

  /** What has been added need not wait for others. */
  void flush() {
    urgent = true;
    drain();
  }

  /** Nothing is written any more. */
  void close() {
    closed = true;
  }

  private void fail(Throwable why) {
    if (!closed) {
      closed = true;
      lost.accept(why);
    }
  }

  private void drain() {
    if (WIP.getAndIncrement(this) != 0) {
      return;
    }
    int missed = 1;
    do {
      List<Line> written = landed;
      if (written != null) {
        landed = null;
        flying = false;
        revision += written.size();
        goOn(written);
      }
      if (!flying && urgent && !closed) {
        urgent = false;
        List<Line> next = take();
        if (!next.isEmpty()) {
          flying = true;
          append(next, 0, 0);
        }
      }
      missed = WIP.addAndGet(this, -missed);
    } while (missed != 0);
  }

  private void goOn(List<Line> written) {
    for (Line line : written) {
      if (line.then() != null && !closed) {
        line.then().run();
      }
    }
  }

  private synchronized List<Line> take() {
    List<Line> taken = lines;
    if (taken.size() > SagaLog.MAX_EVENTS) {
      lines = new ArrayList<>(taken.subList(SagaLog.MAX_EVENTS, taken.size()));
      urgent = true;
      return List.copyOf(taken.subList(0, SagaLog.MAX_EVENTS));
    }
    lines = new ArrayList<>(4);
    return taken;
  }

  private void append(List<Line> next, long since, int attempt) {
    try {
      log.append(hold, revision, next.stream().map(Line::event).toList())
          .subscribe(
              nothing -> {},
              error -> again(error, since, attempt, (s, a) -> append(next, s, a)),
              () -> appended(next));
    } catch (Throwable t) {
      Exceptions.throwIfJvmFatal(t);
      fail(t);
    }
  }

  private void appended(List<Line> written) {
    if (certainFor() > 0) {
      land(written);
    } else {
      confirm(written, 0, 0);
    }
  }

  private void land(List<Line> written) {
    landed = written;
    drain();
  }

  /**
   * The answer came so late that somebody else may have taken over since: what waits for it goes on
   * only if nobody has.
   */
  private void confirm(List<Line> written, long since, int attempt) {
    long asked = spec.nanos();
    log.renew(List.of(hold), spec.lease())
        .hasElements()
        .subscribe(
            ours -> {
              if (ours) {
                renewed(asked);
                appended(written);
              } else {
                mayHaveEnded(written);
              }
            },
            error -> again(error, since, attempt, (s, a) -> confirm(written, s, a)));
  }

  /** The last event of a saga ends its lease too. */
  private void mayHaveEnded(List<Line> written) {
    if (written.stream().anyMatch(line -> line.event().kind().state() != null)) {
      land(written);
    } else {
      fail(new SagaFenced(hold, revision));
    }
  }

  private interface Again {
    void go(long since, int attempt);
  }

  private void again(Throwable error, long since, int attempt, Again again) {
    boolean temporary = error instanceof StoreFailed failure && failure.isTemporary();
    long begun = attempt == 0 ? spec.nanos() : since;
    if (!temporary || spec.nanos() - begun > spec.journalWithin().toNanos()) {
      fail(error);
      return;
    }
    long wait = Math.min(LONGEST_WAIT.toNanos(), FIRST_WAIT.toNanos() << Math.min(attempt, 10));
    long jittered = wait / 2 + ThreadLocalRandom.current().nextLong(wait / 2 + 1);
    try {
      spec.timer()
          .schedule(
              () -> {
                if (!closed) {
                  again.go(begun, attempt + 1);
                }
              },
              jittered,
              TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      fail(error);
    }
  }
}
