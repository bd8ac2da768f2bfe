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

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.Channel;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Outcome.Release;
import dev.sluice.delivery.Outcome.Release.Why;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * 10 000 messages of 200 groups, four consumers, random outcomes; consumers are cancelled and
 * replaced all the time, and leases end. What was acknowledged, what is in the dead letters and
 * what is still there is what was sent, each message in one of the three places; the order within
 * the groups holds.
 *
 * <p>Everything runs on {@code Schedulers.parallel()} under BlockHound, which would fail a
 * consumer.
 */
@ExtendWith(LeakCheck.class)
class MemoryChannelSoakTest {

  private static final int MESSAGES = 10_000;
  private static final int GROUPS = 200;
  private static final int CONSUMERS = 4;
  private static final int ENOUGH = 9_000;

  private final MemoryChannel channel = MemoryChannel.create("bags");
  private final Channel dead = MemoryChannel.create("dead");

  private final Map<String, Integer> sent = new ConcurrentHashMap<>();
  private final Queue<String> acknowledged = new ConcurrentLinkedQueue<>();
  private final Queue<Delivery<byte[]>> delivered = new ConcurrentLinkedQueue<>();
  private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
  private final Map<String, Delivery<byte[]>> holders = new ConcurrentHashMap<>();
  private final Queue<Delivery<byte[]>> overlapped = new ConcurrentLinkedQueue<>();
  private final AtomicInteger deciding = new AtomicInteger();
  private final CountDownLatch consumed = new CountDownLatch(ENOUGH);
  private final Disposable.Swap[] consumers = new Disposable.Swap[CONSUMERS];

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void nothingIsLostAndNothingIsOutOfOrder(boolean leasesEnd) throws Exception {
    sendAll();
    for (int i = 0; i < CONSUMERS; i++) {
      consumers[i] = Disposables.swap();
      replace(i);
    }
    Disposable chaos = chaos(leasesEnd);
    boolean progressed = consumed.await(60, TimeUnit.SECONDS);
    chaos.dispose();
    for (Disposable consumer : consumers) {
      consumer.dispose();
    }
    awaitQuiet();

    assertThat(failures).isEmpty();
    assertThat(progressed).as("%s messages left", consumed.getCount()).isTrue();
    assertEveryMessageIsInOnePlace();
    assertOrderInGroups();
    assertThat(overlapped)
        .as("messages of a group that were out together")
        .allMatch(delivery -> delivery.settlement().isLost());
    if (!leasesEnd) {
      assertThat(overlapped).isEmpty();
      assertAttempts();
    }
  }

  // == load ==

  private void sendAll() {
    Random random = new Random(42);
    Flux.range(0, MESSAGES)
        .map(
            i -> {
              int group = random.nextInt(GROUPS + GROUPS / 4);
              Message<byte[]> message =
                  Message.builder(new byte[0])
                      .group(group < GROUPS ? "group " + group : null)
                      .priority(random.nextInt(10))
                      .build();
              sent.put(message.id(), i);
              return message;
            })
        .transform(channel::sendAll)
        .blockLast();
  }

  private void replace(int consumer) {
    consumers[consumer].update(
        channel
            .receive(ReceiveOptions.defaults().maxUnsettled(64).deadLetters(dead))
            .flatMap(this::work, 32)
            .subscribe(v -> {}, failures::add));
  }

  /** Takes a while, on another thread or not, and decides at random. */
  private Mono<Void> work(Delivery<byte[]> delivery) {
    delivered.add(delivery);
    hold(delivery);
    Mono<Void> decide = Mono.fromRunnable(() -> decide(delivery));
    int how = ThreadLocalRandom.current().nextInt(10);
    if (how < 4) {
      return decide;
    }
    return how < 8
        ? decide.subscribeOn(Schedulers.parallel())
        : decide.delaySubscription(Duration.ofMillis(1));
  }

  private void decide(Delivery<byte[]> delivery) {
    deciding.incrementAndGet();
    letGo(delivery);
    Outcome outcome = anyOutcome();
    if (delivery.settlement().settle(outcome)) {
      delivery
          .settlement()
          .durable()
          .subscribe(v -> {}, stale -> {}, () -> settled(delivery.message().id(), outcome));
    }
    deciding.decrementAndGet();
  }

  private static Outcome anyOutcome() {
    int percent = ThreadLocalRandom.current().nextInt(100);
    if (percent < 60) {
      return Outcome.ack();
    }
    if (percent < 70) {
      return Outcome.reject(DeadLetterReason.POISON, null);
    }
    if (percent < 85) {
      return Outcome.retry(Duration.ofNanos(ThreadLocalRandom.current().nextInt(2_000_000)), null);
    }
    return Outcome.release(Why.BUSY);
  }

  private void settled(String id, Outcome outcome) {
    if (outcome instanceof Outcome.Ack) {
      acknowledged.add(id);
    }
    if (outcome instanceof Outcome.Ack || outcome instanceof Outcome.Reject) {
      consumed.countDown();
    }
  }

  /** Every few milliseconds a consumer is replaced, and now and then all leases end. */
  private Disposable chaos(boolean leasesEnd) {
    return Flux.interval(Duration.ofMillis(3))
        .onBackpressureDrop()
        .subscribe(
            tick -> {
              replace((int) (tick % CONSUMERS));
              if (leasesEnd && tick % 3 == 0) {
                channel.expireLeases();
              }
            },
            failures::add);
  }

  /** Waits for the decisions that were being made when the consumers were cancelled. */
  private void awaitQuiet() {
    Flux.interval(Duration.ofMillis(1))
        .filter(tick -> deciding.get() == 0 && channel.stats().unsettled() == 0)
        .blockFirst(Duration.ofSeconds(20));
  }

  // == checks ==

  /**
   * Of two deliveries of a group the earlier is settled when the later comes. They may come here in
   * the other order: what a consumer was about to emit when it was cancelled is given back at once.
   */
  private void hold(Delivery<byte[]> delivery) {
    String group = delivery.message().group();
    if (group != null) {
      holders.merge(
          group,
          delivery,
          (there, here) -> {
            boolean inTurn = there.origin().epoch() < here.origin().epoch();
            Delivery<byte[]> earlier = inTurn ? there : here;
            if (!earlier.settlement().isSettled()) {
              overlapped.add(earlier);
            }
            return inTurn ? here : there;
          });
    }
  }

  private void letGo(Delivery<byte[]> delivery) {
    String group = delivery.message().group();
    if (group != null) {
      holders.remove(group, delivery);
    }
  }

  private void assertEveryMessageIsInOnePlace() {
    List<String> all =
        Flux.fromIterable(acknowledged)
            .concatWith(drain(dead))
            .concatWith(drain(channel))
            .collectList()
            .block(Duration.ofSeconds(30));
    assertThat(all).doesNotHaveDuplicates();
    Set<String> missing = new HashSet<>(sent.keySet());
    missing.removeAll(all);
    assertThat(missing).as("lost").isEmpty();
    assertThat(all).hasSize(MESSAGES);
  }

  private static Flux<String> drain(Channel from) {
    return from.depth()
        .flatMapMany(
            depth ->
                from.receive(ReceiveOptions.defaults())
                    .take(depth)
                    .map(
                        delivery -> {
                          delivery.settlement().settle(Outcome.ack());
                          return delivery.message().id();
                        }));
  }

  /** In the order of their fences, the messages of a group never step back. */
  private void assertOrderInGroups() {
    byFence(delivery -> delivery.message().group())
        .forEach(
            (group, deliveries) ->
                assertThat(deliveries)
                    .as(group)
                    .extracting(delivery -> sent.get(delivery.message().id()))
                    .isSorted());
  }

  /** A Release gives its attempt back, a Retry keeps it. */
  private void assertAttempts() {
    byFence(delivery -> delivery.message().id())
        .values()
        .forEach(
            deliveries -> {
              int expected = 1;
              for (Delivery<byte[]> delivery : deliveries) {
                assertThat(delivery.origin().attempt()).isEqualTo(expected);
                Outcome outcome = Objects.requireNonNull(delivery.settlement().outcome());
                expected += outcome instanceof Release ? 0 : 1;
              }
            });
  }

  private Map<String, List<Delivery<byte[]>>> byFence(Function<Delivery<byte[]>, String> key) {
    return delivered.stream()
        .filter(delivery -> key.apply(delivery) != null)
        .sorted(Comparator.comparingLong(delivery -> delivery.origin().epoch()))
        .collect(Collectors.groupingBy(key));
  }
}
