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

import dev.sluice.codec.PayloadCodec;
import dev.sluice.message.Message;
import dev.sluice.saga.Journal.Ending;
import dev.sluice.store.SagaEvent;
import dev.sluice.store.SagaEvent.Kind;
import dev.sluice.store.SagaKey;
import dev.sluice.store.SagaLog.Taken;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Exceptions;

/**
 * What makes a run of a saga durable: everything it decides is in its journal before it acts on it,
 * and what its journal has when it begins it does not decide again.
 */
final class DurableRun implements Replay.End {

  /*
   * Threads: as SagaRun and Replay, between which it stands. While the replay lasts, phase REPLAYING,
   * the end of the body and a wish to stop are kept back; over() makes up for them and is called
   * once. Who wishes to stop looks at the phase under the lock under which over() changes it.
   */

  private static final byte DEFINITE = 0;
  private static final byte DOUBTFUL = 1;

  final SagaKey key;
  private final SagaEngine engine;
  private final SagaRun<?> run;
  private final Class<?> result;
  private final JournalWriter writer;
  private final Replay replay;
  private final Duration age;
  private final AtomicBoolean gone = new AtomicBoolean();

  // Guarded by this.
  private boolean live;
  private long order;
  private @Nullable Throwable stopWanted;
  private @Nullable Runnable bodyEnded;
  private @Nullable Disposable patience;

  // Written by the replay's drain.
  private volatile boolean turnedBefore;
  private volatile @Nullable Throwable drift;

  private volatile byte @Nullable [] value;

  /**
   * @param asked when the saga was taken, in nanoseconds
   * @param journal empty if nothing has happened yet
   */
  DurableRun(
      SagaEngine engine,
      SagaRun<?> run,
      Class<?> result,
      Taken taken,
      long asked,
      List<SagaEvent> journal) {
    this.engine = engine;
    this.run = run;
    this.result = result;
    this.key = taken.hold().key();
    this.age = taken.age();
    this.writer =
        new JournalWriter(
            engine.log, engine.spec, taken.hold(), taken.revision(), asked, this::lost);
    this.replay = new Replay(journal, this);
    this.order = replay.size();
  }

  JournalWriter writer() {
    return writer;
  }

  /** What is left of a time that began when the saga did. */
  Duration left(Duration time) {
    Duration left = time.minus(age);
    return left.isNegative() || left.isZero() ? Duration.ofNanos(1) : left;
  }

  /** Nothing may be written or done any more. */
  void lost(Throwable why) {
    writer.close();
    if (gone.compareAndSet(false, true)) {
      engine.lost(this);
      run.lost(why);
    }
  }

  /** Somebody else may have the saga: the next append finds out. */
  void notRenewed() {
    writer.doubt();
  }

  /** The saga cannot even be begun. */
  void park(Throwable why) {
    drift = why;
    synchronized (this) {
      live = true;
    }
    run.drifted(why);
  }

  // == steps ==

  /** A step must say how what it gives is read back. */
  static void require(StepPlan<?, ?> plan, String saga) {
    if (plan.spec().gives() == null) {
      throw new IllegalStateException(
          "step "
              + plan.name()
              + " of saga "
              + saga
              + " gives: unknown (expected: StepSpec.gives, in a durable saga)");
    }
  }

  /** The journal of the run has accepted a step: it is begun when its intent is durable. */
  void begin(Step<?, ?> step) {
    byte[] print;
    SagaEvent intent;
    try {
      print = print(step.input);
      intent = intent(step, print); // checks the names
    } catch (Throwable t) {
      Exceptions.throwIfJvmFatal(t);
      step.broke(t);
      return;
    }
    if (replay.isUndone(step)) {
      step.undoneBefore = true;
    }
    if (!replay.reach(step, print)) {
      intend(step, intent);
    }
  }

  private static SagaEvent intent(Step<?, ?> step, byte[] print) {
    return new SagaEvent(Kind.INTENT, step.plan.name(), step.key, "", print);
  }

  private void intend(Step<?, ?> step, SagaEvent intent) {
    synchronized (this) {
      step.order = order++;
    }
    if (!writer.intent(intent, step::start)) {
      step.broke(new StepRefused(step.describe()));
    }
  }

  /** What an input is recognised by; empty if it cannot be written. */
  private byte[] print(Object input) {
    byte[] bytes;
    try {
      bytes = encode(input.getClass(), input);
    } catch (RuntimeException e) {
      return new byte[0];
    }
    CRC32 sum = new CRC32();
    sum.update(bytes);
    return ByteBuffer.allocate(8).putInt(bytes.length).putInt((int) sum.getValue()).array();
  }

  /** What a step has given goes on when it is on its way to the journal. */
  <O> void done(Step<?, O> step, @Nullable O output) {
    SagaEvent event;
    try {
      byte[] data = output == null ? null : encode(Objects.requireNonNull(gives(step)), output);
      event = new SagaEvent(Kind.DONE, step.plan.name(), step.key, "", data);
    } catch (Throwable t) {
      Exceptions.throwIfJvmFatal(t);
      step.doubtful = true;
      failed(step, t);
      return;
    }
    if (writer.add(event)) {
      step.gave(output);
      writer.flush();
    }
  }

  void failed(Step<?, ?> step, Throwable error) {
    byte[] type = error.getClass().getName().getBytes(StandardCharsets.UTF_8);
    byte[] data = new byte[type.length + 1];
    data[0] = step.doubtful ? DOUBTFUL : DEFINITE;
    System.arraycopy(type, 0, data, 1, type.length);
    if (writer.add(
        new SagaEvent(Kind.FAILED, step.plan.name(), step.key, SagaEngine.text(error), data))) {
      step.broke(error);
      writer.flush();
    }
  }

  private static @Nullable Class<?> gives(Step<?, ?> step) {
    return step.plan.spec().gives();
  }

  // == replay ==

  /** Begins, when the body is ready to be subscribed to. */
  void begin() {
    if (replay.size() == 0) {
      replay.drain();
    }
  }

  /** The body has been subscribed to. */
  void subscribed() {
    replay.drain();
  }

  @Override
  public void gave(Step<?, ?> step, SagaEvent done) {
    decoded(step, done);
  }

  @SuppressWarnings("unchecked") // what the step has said that it gives
  private <O> void decoded(Step<?, O> step, SagaEvent done) {
    byte[] data = done.data();
    O output;
    try {
      output = data == null ? null : (O) decode(Objects.requireNonNull(gives(step)), data);
    } catch (Throwable t) {
      Exceptions.throwIfJvmFatal(t);
      step.doubtful = true;
      step.broke(t);
      drifted(step.describe() + ": what it gave cannot be read: " + SagaEngine.text(t));
      return;
    }
    step.gave(output);
  }

  @Override
  public void failed(Step<?, ?> step, SagaEvent failure) {
    byte[] data = Objects.requireNonNull(failure.data());
    step.doubtful = data[0] == DOUBTFUL;
    String type = new String(Arrays.copyOfRange(data, 1, data.length), StandardCharsets.UTF_8);
    step.broke(replayed(type, failure.note()));
  }

  /** As far as a failure can be made again from what was written down. */
  static Exception replayed(String type, String note) {
    if (type.equals(TimeoutException.class.getName())) {
      return new TimeoutException(note);
    }
    return type.equals(CancellationException.class.getName())
        ? new CancellationException(note)
        : new ReplayedFailure(type, note);
  }

  @Override
  public void turned(SagaEvent why) {
    turnedBefore = true;
    Throwable cause = run.journal.errorOf(why.step(), why.key());
    byte[] type = why.data();
    run.turnedBefore(
        cause != null
            ? cause
            : replayed(type == null ? "" : new String(type, StandardCharsets.UTF_8), why.note()));
  }

  boolean hadTurned() {
    return turnedBefore;
  }

  @Override
  public void held() {
    synchronized (this) {
      if (patience != null || live) {
        return;
      }
      try {
        patience =
            engine
                .spec
                .timer()
                .schedule(
                    replay::giveUp, engine.spec.replayWithin().toNanos(), TimeUnit.NANOSECONDS);
      } catch (RejectedExecutionException e) {
        lost(e);
      }
    }
  }

  @Override
  public void drifted(String how) {
    if (drift == null) {
      drift = new IllegalStateException("saga " + key + ": " + how);
    }
    run.drifted(Objects.requireNonNull(drift));
  }

  /** Why the saga cannot be gone on with; null if it can. */
  @Nullable Throwable drift() {
    return drift;
  }

  @Override
  public void over(List<Step<?, ?>> open, List<Step<?, ?>> held) {
    Throwable stop;
    Runnable ended;
    synchronized (this) {
      live = true;
      stop = stopWanted;
      ended = bodyEnded;
      if (patience != null) {
        patience.dispose();
      }
    }
    if (ended != null) {
      turn();
    } else if (stop != null) {
      run.stop(stop);
    }
    boolean over = run.journal.ending() != null;
    for (Step<?, ?> step : open) {
      if (over || step.undoneBefore) {
        step.doubtful = true;
        step.broke(new StepRefused(step.describe()));
      } else {
        step.start(); // its intent is there
      }
    }
    for (Step<?, ?> step : held) {
      intend(step, intent(step, print(step.input)));
    }
    if (ended != null) {
      ended.run();
    }
  }

  // == the end ==

  /** A cancel or a timeout: kept for later while the replay lasts. */
  synchronized boolean defers(Throwable cause) {
    if (live) {
      return false;
    }
    if (stopWanted == null) {
      stopWanted = cause;
    }
    return true;
  }

  /** Whether nothing but the journal says yet what happens. */
  synchronized boolean isReplaying() {
    return !live;
  }

  /** The saga is ending; {@code then} it goes on, when all that was before is known. */
  void ended(Runnable then) {
    boolean now;
    synchronized (this) {
      now = live;
      if (!live) {
        bodyEnded = then;
      }
    }
    if (now) {
      turn();
      then.run();
    } else {
      replay.bodyEnded();
    }
  }

  private void turn() {
    Ending how = Objects.requireNonNull(run.journal.ending());
    Throwable cause = how.cause();
    if (cause == null || turnedBefore || drift != null || run.journal.pivotPassed()) {
      writer.turn(null);
    } else {
      Step<?, ?> failed = run.journal.stepOf(cause);
      writer.turn(
          new SagaEvent(
              Kind.TURNED,
              failed == null ? "" : failed.plan.name(),
              failed == null ? "" : failed.key,
              SagaEngine.text(cause),
              cause.getClass().getName().getBytes(StandardCharsets.UTF_8)));
    }
  }

  /** A step is about to be undone. */
  void undoing(Step<?, ?> step, Runnable then) {
    writer.after(new SagaEvent(Kind.UNDOING, step.plan.name(), step.key, "", null), then);
  }

  void undone(Step<?, ?> step) {
    engine.undone(this);
    writer.add(new SagaEvent(Kind.UNDONE, step.plan.name(), step.key, "", null));
  }

  /** Makes sure that the journal can keep what the body has given. */
  void keep(@Nullable Object value) {
    this.value = value == null ? null : encode(result, value);
  }

  /** The result is for everybody to see when it is durable. */
  void end(SagaResult<?> how, @Nullable Step<?, ?> about, Runnable then) {
    writer.after(
        engine.event(how, about, value),
        () -> {
          writer.close();
          if (gone.compareAndSet(false, true)) {
            engine.ended(this, how);
            then.run();
          }
        });
  }

  // == values ==

  private byte[] encode(Class<?> type, Object value) {
    return encoded(engine.codec(type), value);
  }

  @SuppressWarnings("unchecked") // of the codec's type, or the user has said so
  private static <T> byte[] encoded(PayloadCodec<T> codec, Object value) {
    return codec.encode(Message.of((T) value));
  }

  private Object decode(Class<?> type, byte[] data) {
    return engine.codec(type).decode(Message.of(data));
  }
}
