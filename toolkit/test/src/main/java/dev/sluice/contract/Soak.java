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

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.Capability;
import dev.sluice.channel.Channel;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * Many messages, random outcomes, consumers that are cancelled and replaced or lose what they have.
 * What becomes of a message at which attempt, and which consumer is hit, comes from the seed; the
 * interleaving does not.
 */
final class Soak {

  private static final Logger log = LoggerFactory.getLogger(Soak.class);

  private static final int GROUPS = 200;
  private static final int CONSUMERS = 4;

  /** So many blows, evenly until then. */
  private static final int BLOWS = 24;

  /** It is waited for so many parts of the sends, one after the other. */
  private static final int PARTS = 10;

  /** One blow in so many is a loss of everything that is out, the others cancel one consumer. */
  private static final int LOSSES = 6;

  private final ChannelRig rig;
  private final Channel channel;
  private final Channel dead;
  private final long seed;
  private final int messages;

  /** When so many are decided for good it ends, with the rest still there. */
  private final int enough;

  private final Random random;
  private final Ledger ledger = new Ledger();
  private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
  private final List<Disposable.Swap> consumers =
      Stream.generate(Disposables::swap).limit(CONSUMERS).toList();
  private final Disposable.Composite readers = Disposables.composite();
  private final Set<String> decided = ConcurrentHashMap.newKeySet();
  private final AtomicInteger unanswered = new AtomicInteger();
  private final Set<String> rejected = ConcurrentHashMap.newKeySet();
  private final Set<String> letters = ConcurrentHashMap.newKeySet();
  private final AtomicInteger left = new AtomicInteger();

  Soak(ChannelRig rig, Channel channel, Channel dead, int messages, long seed) {
    this.rig = rig;
    this.channel = channel;
    this.dead = dead;
    this.seed = seed;
    this.messages = messages;
    this.enough = messages / 10 * 9;
    this.random = new Random(seed);
  }

  void run() {
    log.info("soak of {} with -Dsluice.seed={}", channel.name(), seed);
    try {
      sendAll();
      consumers.forEach(this::replace);
      for (int blow = 1; blow <= BLOWS; blow++) {
        awaitDecided(enough / BLOWS * blow);
        strike(blow);
      }
      awaitDecided(enough);
      consumers.forEach(Disposable::dispose);
      awaitAnswers();
      readWhatIsLeft();
      ledger.assertOrder(rig.capabilities().contains(Capability.EXCLUSIVE_GROUPS));
    } finally {
      consumers.forEach(Disposable::dispose);
      readers.dispose();
      ledger.letGo();
    }
    log.info(
        "{} messages, {} deliveries, {} dead letters, {} left",
        messages,
        ledger.deliveries(),
        letters.size(),
        left);
  }

  private void sendAll() {
    boolean ordered = rig.capabilities().contains(Capability.ORDERED_GROUPS);
    AtomicLong sent = new AtomicLong();
    Flux.range(0, messages)
        .map(
            i -> {
              int group = random.nextInt(GROUPS + GROUPS / 4);
              byte[] number = Integer.toString(i).getBytes(StandardCharsets.UTF_8);
              return ledger.sent(
                  Message.builder(number)
                      .group(ordered && group < GROUPS ? "group " + group : null)
                      .priority(random.nextInt(10))
                      .build(),
                  0);
            })
        .transform(channel::sendAll)
        .subscribe(receipt -> sent.incrementAndGet(), failures::add);
    for (int part = 1; part <= PARTS; part++) {
      long so = (long) messages * part / PARTS;
      rig.await(() -> so + " sends", () -> sent.get() >= so || !failures.isEmpty());
      assertNoFailure();
    }
  }

  /** Not durably: what was done, and not durable when its owner went, need not come again. */
  private void awaitDecided(int many) {
    rig.await(
        () -> many + " messages acknowledged or rejected, are " + decided.size() + hint(),
        () -> decided.size() >= many || !failures.isEmpty());
    assertNoFailure();
  }

  /** Each decision has become durable, or those who wait for that have heard that it has not. */
  private void awaitAnswers() {
    rig.await(
        () -> unanswered + " decisions to be durable or stale" + hint(),
        () -> unanswered.get() == 0 || !failures.isEmpty());
    assertNoFailure();
  }

  private String hint() {
    return ", seed " + seed;
  }

  private void strike(int blow) {
    if (blow % LOSSES == 0) {
      rig.loseOwnership(channel);
    } else {
      replace(consumers.get(random.nextInt(CONSUMERS)));
    }
  }

  private void readWhatIsLeft() {
    readers.add(
        channel
            .receive(ReceiveOptions.defaults())
            .subscribe(
                delivery -> {
                  ledger.delivered(delivery);
                  left.incrementAndGet();
                  ledger.deciding(delivery, Outcome.ack());
                  delivery.settlement().settle(Outcome.ack());
                },
                failures::add));
    readers.add(
        dead.receive(ReceiveOptions.defaults())
            .subscribe(
                letter -> {
                  letters.add(letter.message().id());
                  letter.settlement().settle(Outcome.ack());
                },
                failures::add));
    rig.await(
        () ->
            "every message worked on, dead or still there; "
                + ledger.missing(letters).size()
                + " are missing, and "
                + rejected.stream().filter(id -> !letters.contains(id)).count()
                + " letters"
                + hint(),
        () ->
            (ledger.missing(letters).isEmpty() && letters.containsAll(rejected))
                || !failures.isEmpty());
    assertNoFailure();
  }

  private void assertNoFailure() {
    assertThat(failures).as("failures, seed %s", seed).isEmpty();
  }

  // == consumers ==

  private void replace(Disposable.Swap consumer) {
    consumer.update(
        channel
            .receive(ReceiveOptions.defaults().maxUnsettled(64).deadLetters(dead))
            .flatMap(delivery -> work(delivery, ledger.delivered(delivery)), 32)
            .subscribe(v -> {}, failures::add));
  }

  /** Takes a while or not, on this thread or on another. */
  private Mono<Void> work(Delivery<byte[]> delivery, int time) {
    String number = Taker.body(delivery);
    Random fate = new Random(seed + Long.parseLong(number) * 1_000 + time);
    Outcome outcome = outcome(fate.nextInt(100));
    Mono<Void> decide = Mono.fromRunnable(() -> decide(delivery, outcome));
    int how = fate.nextInt(10);
    if (how < 4) {
      return decide;
    }
    return how < 8
        ? decide.subscribeOn(Schedulers.parallel())
        : decide.delaySubscription(Duration.ofMillis(1));
  }

  private void decide(Delivery<byte[]> delivery, Outcome outcome) {
    ledger.deciding(delivery, outcome);
    boolean ends = outcome instanceof Outcome.Ack || outcome instanceof Outcome.Reject;
    if (delivery.settlement().settle(outcome) && ends) {
      unanswered.incrementAndGet();
      delivery
          .settlement()
          .durable()
          .doFinally(signal -> unanswered.decrementAndGet())
          .subscribe(v -> {}, stale -> {}, () -> consumed(delivery.message().id(), outcome));
      decided.add(delivery.message().id());
    }
  }

  private void consumed(String id, Outcome outcome) {
    if (outcome instanceof Outcome.Reject) {
      rejected.add(id);
    }
    ledger.consumed(id);
  }

  private static Outcome outcome(int percent) {
    if (percent < 65) {
      return Outcome.ack();
    }
    if (percent < 75) {
      return Outcome.reject(DeadLetterReason.POISON, null);
    }
    return percent < 87
        ? Outcome.retry(Duration.ofMillis(1), null)
        : Outcome.release(Outcome.Release.Why.BUSY);
  }
}
