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

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.channel.DeadLetterHeaders;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.SendFailed;
import dev.sluice.codec.StringCodec;
import dev.sluice.deadletter.DeadLetterReviewer;
import dev.sluice.deadletter.DeadLettering;
import dev.sluice.deadletter.RedriveSpec;
import dev.sluice.deadletter.Redriver;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.flow.Flow;
import dev.sluice.message.Headers;
import dev.sluice.message.Message;
import dev.sluice.store.DeadLetter;
import dev.sluice.store.DeadLetterQuery;
import dev.sluice.store.DeadLetters;
import dev.sluice.test.MeterReadings;
import java.lang.reflect.Proxy;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Rejected messages are kept, reviewed and sent back. */
@Timeout(120)
class DeadLetteringTest {

  private static final DeadLetterQuery ALL = DeadLetterQuery.all();

  private final VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
  private final Clock clock =
      new Clock() {
        @Override
        public ZoneId getZone() {
          return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
          return this;
        }

        @Override
        public Instant instant() {
          return Instant.ofEpochMilli(time.now(TimeUnit.MILLISECONDS));
        }
      };
  private final MemoryDeadLetters letters = MemoryDeadLetters.create(20_000, clock);
  private final List<Message<byte[]>> sent = new ArrayList<>();
  private final Outbound<byte[]> orders =
      new Outbound<>() {
        @Override
        public String name() {
          return "orders";
        }

        @Override
        public Mono<Receipt> send(Message<byte[]> message) {
          return Mono.fromSupplier(
              () -> {
                sent.add(message);
                return new Receipt("orders", message.id(), Integer.toString(sent.size()));
              });
        }
      };

  @AfterEach
  void resetTime() {
    VirtualTimeScheduler.reset();
  }

  private void pass(Duration duration) {
    time.advanceTimeBy(duration);
  }

  private void add(String text, String reason, int redrives) {
    letters
        .add(
            Message.of(text.getBytes(UTF_8))
                .withHeaders(
                    Headers.empty()
                        .with("tenant", "t")
                        .withReserved(DeadLetterHeaders.REASON, reason)
                        .withReserved(DeadLetterHeaders.ERROR, "java.lang.Exception: " + text)
                        .withReserved(DeadLetterHeaders.FAILED_CHILDREN, "child")
                        .withReserved(DeadLetterHeaders.REDRIVES, Integer.toString(redrives))))
        .block();
  }

  private Redriver redriver(UnaryOperator<RedriveSpec> spec) {
    return DeadLettering.redriver(letters, letter -> orders, spec);
  }

  private List<String> sent() {
    return sent.stream().map(message -> new String(message.payload(), UTF_8)).toList();
  }

  private long left() {
    return letters.stats().map(DeadLetters.Stats::letters).block();
  }

  // == keeping ==

  @Test
  void aFlowPutsItsLettersIntoTheStore() {
    MemoryChannel channel = MemoryChannel.create("orders", c -> c.scheduler(time));
    FlowHandle flow =
        Flow.from(channel)
            .clock(clock)
            .decode(StringCodec.utf8())
            .deadLetter(DeadLettering.into("orders.dead", letters))
            .<String>map(
                text -> {
                  throw new IllegalArgumentException(text);
                })
            .start();
    channel.send(Message.of("bad".getBytes(UTF_8))).subscribe();
    pass(Duration.ofSeconds(1));
    DeadLetter letter = letters.query(ALL).blockLast();
    assertThat(letter.reason()).isEqualTo(DeadLetterReason.POISON);
    assertThat(letter.channel()).isEqualTo("orders");
    assertThat(letter.fingerprint()).isEqualTo("POISON java.lang.IllegalArgumentException");
    assertThat(letter.message().payload()).isEqualTo("bad".getBytes(UTF_8));
    assertThat(flow.stats().rejected()).isEqualTo(1);
    flow.stop(Duration.ZERO).subscribe();
    pass(Duration.ofSeconds(1));
  }

  @Test
  void aStoreThatIsFullIsAnUnknownSend() {
    Outbound<byte[]> full = DeadLettering.into("dead", MemoryDeadLetters.create(1, clock));
    full.send(Message.of(new byte[0])).block();
    StepVerifier.create(full.send(Message.of(new byte[0])))
        .expectErrorSatisfies(
            error ->
                assertThat(error)
                    .isInstanceOfSatisfying(
                        SendFailed.class, failed -> assertThat(failed.isDefinite()).isFalse()))
        .verify();
  }

  // == sending back ==

  @Test
  void sendsWhatIsMeantInItsOrderWithoutTheFacts() {
    add("a", "POISON", 0);
    add("b", "EXPIRED", 0);
    add("c", "POISON", 1);
    StepVerifier.create(redriver(r -> r).redrive(ALL.reason(DeadLetterReason.POISON)))
        .then(() -> pass(Duration.ofSeconds(1)))
        .expectNext(2L)
        .verifyComplete();
    assertThat(sent()).containsExactly("a", "c");
    assertThat(left()).isEqualTo(1);
    Headers headers = sent.get(1).headers();
    assertThat(headers.get("tenant")).isEqualTo("t");
    assertThat(headers.get(DeadLetterHeaders.REDRIVES)).isEqualTo("2");
    assertThat(headers.size()).isEqualTo(2);
  }

  @Test
  void aRedriveRefusesTheOrderThatGroupsWouldNotSurvive() {
    Redriver redriver = redriver(r -> r);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> redriver.redrive(ALL.newestFirst()))
        .withMessageStartingWith("query: the newest first (expected: the oldest first");
  }

  @Test
  void sendsNothingWhenItRunsDry() {
    add("a", "POISON", 0);
    add("b", "POISON", 3);
    StepVerifier.create(redriver(r -> r).dryRun(ALL))
        .assertNext(group -> assertThat(group.letters()).isEqualTo(1))
        .verifyComplete();
    assertThat(sent).isEmpty();
    assertThat(left()).isEqualTo(2);
  }

  @Test
  void sendsWhatWasEdited() {
    add("a", "POISON", 0);
    StepVerifier.create(
            redriver(r -> r.edit(message -> message.withPayload("fixed".getBytes(UTF_8))))
                .redrive(ALL))
        .expectNext(1L)
        .verifyComplete();
    assertThat(sent()).containsExactly("fixed");
    assertThat(sent.get(0).headers().get(DeadLetterHeaders.REDRIVES)).isEqualTo("1");
  }

  @Test
  void keepsToTheRate() {
    for (int i = 0; i < 30; i++) {
      add("letter-" + i, "POISON", 0);
    }
    redriver(r -> r.rate(10)).redrive(ALL).subscribe();
    assertThat(sent).hasSize(1);
    pass(Duration.ofMillis(950));
    assertThat(sent).hasSize(10);
    pass(Duration.ofSeconds(1));
    assertThat(sent).hasSize(20);
    pass(Duration.ofSeconds(1));
    assertThat(sent).hasSize(30);
  }

  @Test
  void stopsAtAFailureAndKeepsTheRest() {
    add("a", "POISON", 0);
    add("b", "POISON", 0);
    add("c", "POISON", 0);
    AtomicInteger sends = new AtomicInteger();
    Redriver redriver =
        DeadLettering.redriver(
            letters,
            letter -> {
              if (sends.incrementAndGet() == 2) {
                throw new IllegalStateException("no channel");
              }
              return orders;
            },
            r -> r.rate(1_000));
    StepVerifier.create(redriver.redrive(ALL))
        .then(() -> pass(Duration.ofSeconds(1)))
        .verifyErrorMessage("no channel");
    assertThat(sent()).containsExactly("a");
    redriver.redrive(ALL).subscribe();
    pass(Duration.ofSeconds(1));
    assertThat(sent()).containsExactly("a", "c"); // b is claimed until the lease ends
    pass(Duration.ofMinutes(1));
    redriver.redrive(ALL).subscribe();
    pass(Duration.ofSeconds(1));
    assertThat(sent()).containsExactly("a", "c", "b");
  }

  /** What dies again comes back to the dead letters, until it has done so often enough. */
  @Test
  void endsThePingPong() {
    Outbound<byte[]> deadly =
        new Outbound<>() {
          @Override
          public String name() {
            return "deadly";
          }

          @Override
          public Mono<Receipt> send(Message<byte[]> message) {
            sent.add(message);
            return letters.add(message).map(id -> new Receipt("deadly", message.id(), id));
          }
        };
    add("a", "POISON", 0);
    StepVerifier.create(
            DeadLettering.redriver(letters, letter -> deadly, r -> r.maxRedrives(3)).redrive(ALL))
        .then(() -> pass(Duration.ofMinutes(10)))
        .expectNext(3L)
        .verifyComplete();
    assertThat(sent).hasSize(3);
    assertThat(letters.query(ALL).blockLast().redrives()).isEqualTo(3);
  }

  /**
   * Killed again and again between any two steps, and restarted: at most one more for each kill.
   */
  @Test
  void sendsEachOf10000OnceOrOnceMoreForEachKill() {
    int all = 10_000;
    for (int i = 0; i < all; i++) {
      add("letter-" + i, "POISON", 0);
    }
    int kills = 0;
    while (left() > 0) {
      Disposable redrive = redriver(r -> r.rate(1_000)).redrive(ALL).subscribe();
      pass(Duration.ofMillis(700 + 37 * kills));
      redrive.dispose();
      pass(Duration.ofMinutes(1)); // the lease of what a dead redriver has claimed
      kills++;
    }
    Map<String, Integer> times = new HashMap<>();
    sent().forEach(text -> times.merge(text, 1, Integer::sum));
    assertThat(times).hasSize(all);
    assertThat(kills).isGreaterThan(4);
    assertThat(sent.size() - all).isBetween(0, kills);
  }

  // == reviewing ==

  @Test
  void remindsOfWhatIsThere() {
    List<DeadLettering.Digest> digests = new ArrayList<>();
    Disposable review =
        DeadLettering.review(letters, Duration.ofMinutes(1), Duration.ofHours(1), time)
            .subscribe(digests::add);
    assertThat(digests).hasSize(1);
    assertThat(digests.get(0).overdue()).isFalse();
    add("a", "POISON", 0);
    pass(Duration.ofHours(2));
    assertThat(digests).hasSize(121);
    DeadLettering.Digest last = digests.get(120);
    assertThat(last.overdue()).isTrue();
    assertThat(last.stats()).isEqualTo(new DeadLetters.Stats(1, Duration.ofHours(2)));
    assertThat(last.causes()).hasSize(1);
    assertThat(digests.get(60).overdue()).isFalse();
    review.dispose();
    pass(Duration.ofHours(1));
    assertThat(digests).hasSize(121);
  }

  @Test
  void canBeWatched() {
    Sinks.Empty<Void> away = Sinks.empty();
    DeadLetters late =
        (DeadLetters)
            Proxy.newProxyInstance(
                DeadLetters.class.getClassLoader(),
                new Class<?>[] {DeadLetters.class},
                (proxy, method, args) ->
                    method.getName().equals("stats")
                        ? away.asMono().then(letters.stats())
                        : method.invoke(letters, args));
    DeadLetterReviewer reviewer =
        DeadLettering.reviewer(late, Duration.ofMinutes(1), Duration.ofHours(1), time);
    MeterReadings readings = MeterReadings.of(reviewer);
    assertThat(reviewer.last()).isNull();
    assertThat(reviewer.isOverdue()).isFalse();
    assertThat(readings.read().values()).hasSize(3).allMatch(value -> value.isNaN());
    away.tryEmitEmpty();
    assertThat(readings.read())
        .containsEntry("sluice.deadletters{}", 0.0)
        .containsEntry("sluice.deadletters.oldest.age{}", 0.0)
        .containsEntry("sluice.deadletters.unreviewed{}", 0.0);
    add("a", "POISON", 0);
    add("b", "POISON", 0);
    pass(Duration.ofMinutes(59));
    assertThat(reviewer.isOverdue()).isFalse();
    assertThat(readings.read()).containsEntry("sluice.deadletters.unreviewed{}", 0.0);
    pass(Duration.ofMinutes(2));
    assertThat(reviewer.isOverdue()).isTrue();
    assertThat(readings.read())
        .containsEntry("sluice.deadletters{}", 2.0)
        .containsEntry("sluice.deadletters.oldest.age{}", 61 * 60.0)
        .containsEntry("sluice.deadletters.unreviewed{}", 2.0);
    reviewer.dispose();
    add("c", "POISON", 0);
    pass(Duration.ofMinutes(2));
    assertThat(readings.read()).containsEntry("sluice.deadletters{}", 2.0);
  }

  @Test
  void checksItsOptions() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> redriver(r -> r.rate(0)))
        .withMessage("rate: 0 (expected: 1..100000)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> redriver(r -> r.maxRedrives(0)))
        .withMessage("maxRedrives: 0 (expected: >= 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> redriver(r -> r.lease(Duration.ZERO)))
        .withMessage("lease: PT0S (expected: PT1S..PT8760H)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> DeadLettering.review(letters, Duration.ZERO, Duration.ofHours(1), time))
        .withMessage("pollInterval: PT0S (expected: > PT0S, <= PT8760H)");
  }
}
