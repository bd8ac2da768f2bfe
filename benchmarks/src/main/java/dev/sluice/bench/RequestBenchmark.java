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

import dev.sluice.channel.ChannelInfo;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.codec.BytesCodec;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.SettlementCore;
import dev.sluice.message.Message;
import dev.sluice.message.ReplyTo;
import dev.sluice.requestreply.Requester;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * What does a request cost beside its channels? One operation is one request, whose reply is
 * delivered inside the send, and its answer.
 *
 * <p>The composition is what one writes otherwise: a map of sinks by id, and a {@code timeout} and
 * a {@code doFinally} on each. More than its time would make us look again.
 *
 * <pre>
 * mvn -pl benchmarks -am -Pjmh verify -DskipTests -Djmh.args="RequestBenchmark -prof gc"
 * </pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class RequestBenchmark {

  private static final byte[] QUESTION = {1};
  private static final byte[] ANSWER = {2};
  private static final Duration TIMEOUT = Duration.ofSeconds(30);

  private final Origin origin = new Origin("replies", "0", 1, Instant.EPOCH, 1);
  private final Map<String, Sinks.One<byte[]>> waiting = new ConcurrentHashMap<>();
  private final Replying outbound = new Replying();
  private final Outbound<byte[]> plain = new Plain();
  private final Requester<byte[]> requester =
      Requester.over(outbound, BytesCodec.bytes(), s -> s.timeout(TIMEOUT));

  /** A settlement that takes effect at once. */
  private static final class Done extends SettlementCore {
    @Override
    protected void onDecided(Outcome outcome) {
      markDurable();
    }
  }

  /** Requests go in here, and their replies come out, at once. */
  private final class Replying implements Outbound<byte[]>, Inbound {

    private @Nullable FluxSink<Delivery<byte[]>> replies;

    @Override
    public String name() {
      return "questions";
    }

    @Override
    public Mono<Receipt> send(Message<byte[]> request) {
      ReplyTo to = Objects.requireNonNull(request.replyTo());
      Message<byte[]> reply = request.reply(ANSWER);
      reply =
          reply.withHeaders(
              reply.headers().withReserved("sl-reply-for", Objects.requireNonNull(to.token())));
      Objects.requireNonNull(replies)
          .next(new Delivery<>(reply, LeakDetector.track(new Done(), "bench"), origin));
      return Mono.just(new Receipt("questions", request.id(), "0"));
    }

    @Override
    public Flux<Delivery<byte[]>> receive(ReceiveOptions options) {
      return Flux.create(sink -> replies = sink);
    }

    @Override
    public Mono<Long> depth() {
      return Mono.empty();
    }

    @Override
    public ChannelInfo info() {
      return new ChannelInfo("replies", Set.of());
    }
  }

  /** The same for the composition. */
  private final class Plain implements Outbound<byte[]> {
    @Override
    public String name() {
      return "questions";
    }

    @Override
    public Mono<Receipt> send(Message<byte[]> request) {
      Message<byte[]> reply = request.reply(ANSWER);
      Sinks.One<byte[]> sink = waiting.get(Objects.requireNonNull(reply.causationId()));
      if (sink != null) {
        sink.tryEmitValue(reply.payload());
      }
      return Mono.just(new Receipt("questions", request.id(), "0"));
    }
  }

  /** Checks that each way gives the answer and leaves nothing behind. */
  @Setup
  public void prepare() {
    if (requested() != ANSWER || composed() != ANSWER) {
      throw new IllegalStateException("no answer");
    }
    if (requester.stats().pending() != 0 || !waiting.isEmpty()) {
      throw new IllegalStateException("something waits still");
    }
  }

  @Benchmark
  public byte @Nullable [] requested() {
    return requester.request(outbound, Message.of(QUESTION)).block();
  }

  @Benchmark
  public byte @Nullable [] composed() {
    return Mono.defer(
            () -> {
              Message<byte[]> request = Message.of(QUESTION).expiring(TIMEOUT);
              Sinks.One<byte[]> sink = Sinks.one();
              waiting.put(request.id(), sink);
              return plain
                  .send(request)
                  .then(sink.asMono())
                  .timeout(TIMEOUT)
                  .doFinally(signal -> waiting.remove(request.id()));
            })
        .block();
  }
}
