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
import dev.sluice.message.MessageIds;
import dev.sluice.observe.Meters;
import dev.sluice.store.SagaEvent;
import dev.sluice.store.SagaEvent.Kind;
import dev.sluice.store.SagaKey;
import dev.sluice.store.SagaLog;
import dev.sluice.store.SagaLog.Busy;
import dev.sluice.store.SagaLog.Entry;
import dev.sluice.store.SagaLog.Opening;
import dev.sluice.store.SagaLog.Taken;
import dev.sluice.store.StoreFailed;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Exceptions;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.util.context.Context;
import reactor.util.retry.Retry;

/** Begins durable sagas, and goes on with those of others. */
final class SagaEngine {

  /** Between the parts of what a parked saga says. */
  private static final String SEPARATOR = "\u001F";

  final SagaLog log;
  final DurableSpec spec;
  private final SagaCodecs codecs;
  private final Map<Class<?>, PayloadCodec<?>> known = new ConcurrentHashMap<>();
  private final Map<String, Map<Integer, SagaDefinition<?, ?>>> definitions = new HashMap<>();
  private final Map<String, Tally> tallies = new HashMap<>();
  private final LeaseWatch leases;

  /** What has come of the sagas of one name here. */
  private static final class Tally {
    final LongAdder completed = new LongAdder();
    final LongAdder compensated = new LongAdder();
    final LongAdder parked = new LongAdder();
    final LongAdder lost = new LongAdder();
    final LongAdder undone = new LongAdder();
  }

  SagaEngine(SagaLog log, SagaCodecs codecs, DurableSpec spec) {
    this.log = log;
    this.codecs = codecs;
    this.spec = spec;
    this.leases = new LeaseWatch(log, spec);
    for (SagaDefinition<?, ?> definition : spec.definitions()) {
      definitions
          .computeIfAbsent(definition.name(), name -> new HashMap<>())
          .put(definition.version(), definition);
      tallies.computeIfAbsent(definition.name(), name -> new Tally());
    }
  }

  /** The definitions that are known here, and the highest version of each. */
  Map<String, Integer> highest() {
    Map<String, Integer> highest = new HashMap<>();
    definitions.forEach(
        (name, versions) ->
            highest.put(name, versions.keySet().stream().max(Integer::compare).orElseThrow()));
    return highest;
  }

  @SuppressWarnings("unchecked") // it was made for this type
  <T> PayloadCodec<T> codec(Class<T> type) {
    return (PayloadCodec<T>) known.computeIfAbsent(type, codecs::of);
  }

  /** A saga has ended here. */
  void ended(DurableRun run, SagaResult<?> how) {
    leases.remove(run);
    Tally tally = tally(run);
    if (how instanceof SagaResult.Completed<?>) {
      tally.completed.increment();
    } else if (how instanceof SagaResult.Compensated<?>) {
      tally.compensated.increment();
    } else {
      tally.parked.increment();
    }
  }

  /** A saga is not ours any more. */
  void lost(DurableRun run) {
    leases.remove(run);
    tally(run).lost.increment();
  }

  void undone(DurableRun run) {
    tally(run).undone.increment();
  }

  private Tally tally(DurableRun run) {
    return Objects.requireNonNull(tallies.get(run.key.saga()));
  }

  void meters(Meters meters) {
    meters.gauge("sluice.saga.active", "sagas", "Durable sagas that run here", () -> leases.size());
    tallies.forEach(
        (name, tally) -> {
          Meters of = meters.with("name", name);
          ended(of, "completed", tally.completed);
          ended(of, "compensated", tally.compensated);
          ended(of, "parked", tally.parked);
          of.counter(
              "sluice.saga.lost",
              "sagas",
              "Durable sagas that were left to others, fenced or without their journal",
              tally.lost::sum);
          of.counter(
              "sluice.saga.compensations",
              "steps",
              "Steps of durable sagas that were undone here",
              tally.undone::sum);
        });
  }

  private static void ended(Meters of, String result, LongAdder total) {
    of.with("result", result)
        .counter("sluice.saga", "sagas", "Durable sagas that have ended here", total::sum);
  }

  /** One that nobody else is. */
  static String owner() {
    return "run-" + MessageIds.next();
  }

  // == run ==

  <I, R> Mono<SagaResult<R>> run(SagaDefinition<I, R> definition, String id, I input) {
    SagaKey key = new SagaKey(definition.name(), id);
    Objects.requireNonNull(input, "input");
    if (definitions.getOrDefault(key.saga(), Map.of()).get(definition.version()) != definition) {
      throw new IllegalArgumentException(
          "definition: " + definition + " (expected: one of DurableSpec.definition)");
    }
    return Mono.create(
        sink -> {
          byte[] bytes = codec(definition.input()).encode(Message.of(input));
          new Start<>(this, definition, sink).open(key, bytes);
        });
  }

  /** Goes on with a saga that was taken. */
  Mono<SagaResult<?>> resume(Taken taken, long asked) {
    Map<Integer, SagaDefinition<?, ?>> versions =
        Objects.requireNonNull(definitions.get(taken.hold().key().saga()));
    SagaDefinition<?, ?> any = versions.get(taken.version());
    SagaDefinition<?, ?> with = any == null ? versions.values().iterator().next() : any;
    return resume(with, taken, asked);
  }

  private <R> Mono<SagaResult<?>> resume(SagaDefinition<?, R> definition, Taken taken, long asked) {
    return Mono.<SagaResult<R>>create(
            sink -> new Start<>(this, definition, sink).taken(taken, asked, null))
        .map(result -> result);
  }

  /** A saga on its way to its run, and who hears how that has ended. */
  private static final class Start<R> implements CoreSubscriber<SagaResult<R>> {

    private final SagaEngine engine;
    private final SagaDefinition<?, R> definition;
    private final MonoSink<SagaResult<R>> sink;
    private volatile boolean cancelled;
    private volatile @Nullable SagaRun<R> run;

    Start(SagaEngine engine, SagaDefinition<?, R> definition, MonoSink<SagaResult<R>> sink) {
      this.engine = engine;
      this.definition = definition;
      this.sink = sink;
      sink.onCancel(this::cancel);
    }

    private void cancel() {
      cancelled = true;
      SagaRun<R> r = run;
      if (r != null) {
        r.cancel();
      }
    }

    @Override
    public Context currentContext() {
      return Context.of(sink.contextView());
    }

    @Override
    public void onSubscribe(Subscription s) {
      s.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(SagaResult<R> result) {
      sink.success(result);
    }

    @Override
    public void onError(Throwable error) {
      sink.error(error);
    }

    @Override
    public void onComplete() {}

    void open(SagaKey key, byte[] input) {
      String owner = owner();
      engine
          .patient(
              Mono.defer(
                  () -> {
                    long asked = engine.spec.nanos();
                    return engine
                        .log
                        .open(key, definition.version(), input, owner, engine.spec.lease())
                        .map(opening -> new Asked(opening, asked));
                  }))
          .subscribe(answer -> opened(key, input, answer), sink::error);
    }

    private record Asked(Opening opening, long at) {}

    private void opened(SagaKey key, byte[] input, Asked answer) {
      if (answer.opening() instanceof Taken taken) {
        taken(taken, answer.at(), input);
      } else if (answer.opening() instanceof Busy busy) {
        sink.error(new SagaBusy(key, busy.left()));
      } else {
        engine
            .patient(engine.log.read(key).collectList())
            .subscribe(
                entries -> {
                  if (isAnother(key, entries, input)) {
                    return;
                  }
                  sink.success(engine.result(key, entries, definition.result()));
                },
                sink::error);
      }
    }

    /** Whether somebody else has used the id; then that is the answer. */
    private boolean isAnother(SagaKey key, List<Entry> entries, byte @Nullable [] input) {
      boolean another =
          input != null
              && !entries.isEmpty()
              && !Arrays.equals(input, entries.get(0).event().data());
      if (another) {
        sink.error(
            new IllegalArgumentException(
                "saga " + key + ": has another input (expected: an id of its own)"));
      }
      return another;
    }

    void taken(Taken taken, long asked, byte @Nullable [] input) {
      if (input != null && taken.revision() == 0 && taken.takeovers() == 0) {
        start(taken, asked, List.of(), input);
        return;
      }
      SagaKey key = taken.hold().key();
      engine
          .patient(engine.log.read(key).collectList())
          .subscribe(
              entries -> {
                if (!isAnother(key, entries, input)) {
                  List<SagaEvent> events = new ArrayList<>();
                  entries.forEach(entry -> events.add(entry.event()));
                  byte[] recorded = Objects.requireNonNull(events.get(0).data());
                  start(taken, asked, events.subList(1, events.size()), recorded);
                }
              },
              sink::error);
    }

    private void start(Taken taken, long asked, List<SagaEvent> journal, byte[] input) {
      try {
        start(engine.definition(taken, definition), taken, asked, journal, input);
      } catch (Throwable t) {
        Exceptions.throwIfJvmFatal(t);
        sink.error(t);
      }
    }

    private <I> void start(
        SagaDefinition<I, R> with, Taken taken, long asked, List<SagaEvent> journal, byte[] input) {
      SagaRun<R> r = new SagaRun<>(with.name(), engine.spec(with), this);
      onSubscribe(r);
      DurableRun durable = new DurableRun(engine, r, with.result(), taken, asked, journal);
      r.attach(durable);
      engine.leases.add(durable);
      run = r;
      if (cancelled) {
        cancel();
      }
      Throwable unfit = engine.unfit(taken, with);
      I in = null;
      if (unfit == null) {
        try {
          in = engine.codec(with.input()).decode(Message.of(input));
        } catch (Throwable t) {
          Exceptions.throwIfJvmFatal(t);
          unfit = new IllegalStateException("its input cannot be read: " + text(t), t);
        }
      }
      if (unfit != null || in == null) {
        durable.park(Objects.requireNonNull(unfit));
        return;
      }
      r.start(with.body(in), durable);
    }
  }

  private <R> SagaSpec<R> spec(SagaDefinition<?, R> definition) {
    return definition.spec().timer(spec.timer());
  }

  /** The definition that a saga was begun with, if it is known here. */
  @SuppressWarnings("unchecked") // all versions of a definition give what the newest gives
  private <R> SagaDefinition<?, R> definition(Taken taken, SagaDefinition<?, R> asked) {
    SagaDefinition<?, ?> known =
        definitions.getOrDefault(taken.hold().key().saga(), Map.of()).get(taken.version());
    return known == null ? asked : (SagaDefinition<?, R>) known;
  }

  private @Nullable Throwable unfit(Taken taken, SagaDefinition<?, ?> with) {
    SagaKey key = taken.hold().key();
    if (with.version() != taken.version()) {
      return new IllegalStateException(
          "saga "
              + key
              + ": version "
              + taken.version()
              + " (expected: one of "
              + definitions.getOrDefault(key.saga(), Map.of()).keySet().stream().sorted().toList()
              + ", which are registered here)");
    }
    if (taken.takeovers() > spec.maxTakeovers()) {
      return new IllegalStateException(
          "saga "
              + key
              + ": taken over "
              + taken.takeovers()
              + " times, and nothing came of it (expected: <= "
              + spec.maxTakeovers()
              + ")");
    }
    return null;
  }

  private <T> Mono<T> patient(Mono<T> ask) {
    return ask.retryWhen(
            Retry.backoff(Long.MAX_VALUE, Duration.ofMillis(50))
                .maxBackoff(Duration.ofSeconds(2))
                .scheduler(spec.timer())
                .filter(error -> error instanceof StoreFailed failure && failure.isTemporary()))
        .timeout(spec.journalWithin(), spec.timer());
  }

  // == how it has ended ==

  static String text(Throwable error) {
    String message = error.getMessage();
    return message == null || message.isEmpty() ? error.getClass().getName() : message;
  }

  SagaEvent event(SagaResult<?> how, @Nullable Step<?, ?> about, byte @Nullable [] value) {
    if (how instanceof SagaResult.Completed<?>) {
      return SagaEvent.of(Kind.COMPLETED, "", value);
    }
    if (how instanceof SagaResult.Compensated<?> compensated) {
      String failed = compensated.failedStep();
      return SagaEvent.of(
          Kind.COMPENSATED,
          text(compensated.cause()),
          joined(failed == null ? "" : failed, compensated.cause().getClass().getName()));
    }
    SagaResult.Parked<?> parked = (SagaResult.Parked<?>) how;
    List<String> parts = new ArrayList<>();
    parts.add(parked.failedStep() == null ? "" : parked.failedStep());
    parts.add(parked.cause().getClass().getName());
    parts.add(parked.stuckCompensation() == null ? "" : parked.stuckCompensation());
    parts.add(parked.stuckCause() == null ? "" : text(parked.stuckCause()));
    parts.addAll(parked.standing());
    return new SagaEvent(
        Kind.PARKED,
        about == null ? "" : about.plan.name(),
        about == null ? "" : about.key,
        text(parked.cause()),
        joined(parts.toArray(new String[0])));
  }

  private static byte[] joined(String... parts) {
    return String.join(SEPARATOR, parts).getBytes(StandardCharsets.UTF_8);
  }

  private static String[] parts(SagaEvent event) {
    byte[] data = event.data();
    return data == null
        ? new String[] {"", "", "", ""}
        : new String(data, StandardCharsets.UTF_8).split(SEPARATOR, -1);
  }

  /** The step whose compensation has failed for good; empty if that is not why it is parked. */
  static String stuck(SagaEvent parked) {
    return parts(parked)[2];
  }

  /** What a journal says about the end of its saga. */
  <R> SagaResult<R> result(SagaKey key, List<Entry> entries, Class<R> type) {
    SagaEvent last = entries.get(entries.size() - 1).event();
    switch (last.kind()) {
      case COMPLETED -> {
        byte[] data = last.data();
        return new SagaResult.Completed<>(
            data == null ? null : codec(type).decode(Message.of(data)));
      }
      case COMPENSATED -> {
        String[] parts = parts(last);
        return new SagaResult.Compensated<>(
            orNull(parts[0]), DurableRun.replayed(parts[1], last.note()));
      }
      case PARKED -> {
        String[] parts = parts(last);
        return new SagaResult.Parked<>(
            orNull(parts[0]),
            DurableRun.replayed(parts[1], last.note()),
            orNull(parts[2]),
            parts[3].isEmpty() ? null : new ReplayedFailure("", parts[3]),
            List.of(parts).subList(4, parts.length));
      }
      default -> {
        return new SagaResult.Parked<>(
            null,
            new ReplayedFailure("", "saga " + key + " was abandoned: " + last.note()),
            null,
            null,
            List.of());
      }
    }
  }

  private static @Nullable String orNull(String text) {
    return text.isEmpty() ? null : text;
  }
}
