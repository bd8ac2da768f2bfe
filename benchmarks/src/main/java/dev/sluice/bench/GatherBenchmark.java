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
package dev.sluice.bench;

import static dev.sluice.gather.ScatterGather.scatterGather;

import dev.sluice.channel.Recipient;
import dev.sluice.gather.Gathered;
import dev.sluice.gather.Recipients;
import dev.sluice.gather.ScatterGather;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * What does it cost to ask eight recipients with a deadline, beside their work? One operation is
 * one request.
 *
 * <p>The composition is what one writes otherwise: a {@code timeout} for each recipient, merged and
 * collected; it knows less of its result. {@code answers} says how recipients answer: {@code
 * scalar} is a Mono made beforehand, {@code hidden} the same behind a subscription, {@code later}
 * comes when everybody has been asked, so that the timers have to be there. More than 0.12 times
 * the composition's time, 0.15 times its bytes, or 1.5 kB for scalar answers would make us look
 * again.
 *
 * <pre>
 * mvn -pl benchmarks -am -Pjmh verify -DskipTests -Djmh.args="GatherBenchmark -prof gc"
 * </pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class GatherBenchmark {

  private static final int RECIPIENTS = 8;
  private static final Duration DEADLINE = Duration.ofSeconds(10);
  private static final Integer REQUEST = 1;

  @Param({"scalar", "hidden", "later"})
  private String answers = "";

  private final List<Recipient<Integer, Integer>> recipients = new ArrayList<>();
  private final List<Later> later = new ArrayList<>();

  @SuppressWarnings("NullAway.Init") // set in prepare
  private ScatterGather<Integer, Integer> scatter;

  /** Makes the recipients, and checks that each way sees every answer. */
  @Setup
  public void prepare() {
    for (int i = 0; i < RECIPIENTS; i++) {
      Mono<Integer> answer = answer(i);
      recipients.add(Recipient.of("r" + i, request -> answer));
    }
    scatter = scatterGather(Recipients.ofAll(recipients), s -> s.within(DEADLINE));
    verify(gather());
    verify(merge());
  }

  private Mono<Integer> answer(int i) {
    return switch (answers) {
      case "scalar" -> Mono.just(i);
      case "hidden" -> Mono.just(i).hide();
      case "later" -> {
        Later one = new Later(i);
        later.add(one);
        yield one;
      }
      default -> throw new IllegalArgumentException("answers: " + answers);
    };
  }

  private static void verify(int sum) {
    int expected = RECIPIENTS * (RECIPIENTS - 1) / 2;
    if (sum != expected) {
      throw new IllegalStateException("sum: " + sum + " (expected: " + expected + ")");
    }
  }

  /** Ours. */
  @Benchmark
  public int gather() {
    Last<Gathered<Integer>> last = new Last<>();
    scatter.ask(REQUEST).subscribe(last);
    answerLater();
    return sum(last.value().answers());
  }

  /** The composition. */
  @Benchmark
  public int merge() {
    List<Mono<? extends Integer>> asks = new ArrayList<>(RECIPIENTS);
    for (Recipient<Integer, Integer> recipient : recipients) {
      asks.add(Mono.<Integer>from(recipient.ask(REQUEST)).timeout(DEADLINE));
    }
    Last<List<Integer>> last = new Last<>();
    Flux.<Integer>merge(asks).collectList().subscribe(last);
    answerLater();
    return sum(last.value());
  }

  private void answerLater() {
    for (Later one : later) {
      one.answer();
    }
  }

  private static int sum(List<Integer> values) {
    int sum = 0;
    for (Integer value : values) {
      sum += value;
    }
    return sum;
  }

  /** A recipient that answers when it is told to. */
  private static final class Later extends Mono<Integer> implements Subscription {
    private final Integer answer;
    private @Nullable CoreSubscriber<? super Integer> asked;

    Later(Integer answer) {
      this.answer = answer;
    }

    @Override
    public void subscribe(CoreSubscriber<? super Integer> actual) {
      asked = actual;
      actual.onSubscribe(this);
    }

    void answer() {
      CoreSubscriber<? super Integer> who = asked;
      if (who != null) {
        who.onNext(answer);
        who.onComplete();
      }
    }

    @Override
    public void request(long n) {}

    @Override
    public void cancel() {}
  }

  /** Keeps the one value. */
  private static final class Last<E> implements CoreSubscriber<E> {
    private @Nullable E value;
    private @Nullable Throwable error;

    E value() {
      E v = value;
      if (v == null) {
        throw new IllegalStateException("no value", error);
      }
      return v;
    }

    @Override
    public void onSubscribe(Subscription s) {
      s.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(E value) {
      this.value = value;
    }

    @Override
    public void onError(Throwable t) {
      error = t;
    }

    @Override
    public void onComplete() {}
  }
}
