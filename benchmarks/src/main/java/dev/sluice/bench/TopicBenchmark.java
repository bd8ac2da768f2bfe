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

import dev.sluice.message.Message;
import dev.sluice.pubsub.Published;
import dev.sluice.pubsub.SubscriberSpec;
import dev.sluice.pubsub.Topic;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;

/**
 * What does it cost to publish a message to several subscribers, each on a worker of its own? One
 * operation is one message that all subscribers have got. The composition is a multicast sink with
 * {@code publishOn} for each subscriber, which is as slow as its slowest subscriber.
 *
 * <pre>
 * mvn -pl benchmarks -am -Pjmh verify -DskipTests -Djmh.args="TopicBenchmark -prof gc"
 * </pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class TopicBenchmark {

  private static final int MESSAGES = 10_000;
  private static final Message<String> MESSAGE = Message.of("message");

  /** How many subscribers there are. */
  @Param({"1", "5"})
  public int subscribers;

  private void each(Flux<?> messages, Runnable publishing, CountDownLatch done)
      throws InterruptedException {
    for (int i = 0; i < subscribers; i++) {
      messages.subscribe(message -> done.countDown());
    }
    publishing.run();
    if (!done.await(60, TimeUnit.SECONDS)) {
      throw new IllegalStateException(done.getCount() + " messages are missing");
    }
  }

  private void topic(UnaryOperator<SubscriberSpec<String>> spec) throws InterruptedException {
    Topic<String> topic = Topic.create("events", c -> c.retain(MESSAGES));
    Flux<Published<String>> messages = topic.subscribe(spec);
    each(messages, times(topic::publish), new CountDownLatch(MESSAGES * subscribers));
    topic.close();
  }

  private static Runnable times(Consumer<Message<String>> publish) {
    return () -> {
      for (int i = 0; i < MESSAGES; i++) {
        publish.accept(MESSAGE);
      }
    };
  }

  /** The composition: a multicast sink, a buffer and a thread for each subscriber. */
  @Benchmark
  @OperationsPerInvocation(MESSAGES)
  public void multicast() throws InterruptedException {
    Sinks.Many<Message<String>> sink = Sinks.many().multicast().directAllOrNothing();
    Flux<Message<String>> messages =
        sink.asFlux().onBackpressureBuffer(MESSAGES).publishOn(Schedulers.parallel());
    each(
        messages,
        times(message -> sink.tryEmitNext(message).orThrow()),
        new CountDownLatch(MESSAGES * subscribers));
    sink.tryEmitComplete().orThrow();
  }

  /** Ours: each subscriber reads the topic. */
  @Benchmark
  @OperationsPerInvocation(MESSAGES)
  public void catchUp() throws InterruptedException {
    topic(s -> s);
  }

  /** Ours: each subscriber has a buffer. */
  @Benchmark
  @OperationsPerInvocation(MESSAGES)
  public void buffered() throws InterruptedException {
    topic(s -> s.disconnect(MESSAGES));
  }
}
