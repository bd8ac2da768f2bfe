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
package dev.sluice.flow;

import static dev.sluice.delivery.DeadLetterReason.ATTEMPTS_EXHAUSTED;
import static dev.sluice.delivery.DeadLetterReason.POISON;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.SendFailed;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.message.Message;
import dev.sluice.test.FlowEnvironment;
import dev.sluice.test.FlowVerifier;
import dev.sluice.test.LeakCheck;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Mono;

/**
 * A group that always fails beside 99 that do not, and dead letters that nobody takes. Messages are
 * called "group-number".
 */
@Timeout(60)
@ExtendWith(LeakCheck.class)
class PoisonTest {

  private static final int GROUPS = 100;
  private static final int EACH = 10;
  private static final String POISONED = "0";
  private static final Duration WORK = Duration.ofSeconds(1);
  private static final Duration LONG = Duration.ofHours(1);

  private static final ErrorPolicy POLICY =
      ErrorPolicy.defaults()
          .retries(2)
          .backoff(Duration.ofSeconds(1), Duration.ofSeconds(30))
          .jitter(0);

  /** When, after the start, the last message of a group that is not poisoned was worked on. */
  private final Map<String, Duration> finished = new TreeMap<>();

  private static String group(String text) {
    return text.substring(0, text.indexOf('-'));
  }

  private static String[] messages(int firstGroup) {
    List<String> texts = new ArrayList<>();
    for (int n = 0; n < EACH; n++) {
      for (int g = firstGroup; g < GROUPS; g++) {
        texts.add(g + "-" + n);
      }
    }
    return texts.toArray(String[]::new);
  }

  private Mono<String> healthy(FlowEnvironment env, String text, long start) {
    return Mono.delay(WORK)
        .map(
            tick -> {
              finished.put(group(text), Duration.ofMillis(env.clock().millis() - start));
              return text;
            });
  }

  private FlowVerifier flow(int concurrency, Function<String, Mono<String>> poisoned) {
    return FlowVerifier.create(env -> start(env, concurrency, poisoned)).groupBy(PoisonTest::group);
  }

  private FlowHandle start(
      FlowEnvironment env, int concurrency, Function<String, Mono<String>> poisoned) {
    long start = env.clock().millis();
    return Flow.from(env.source())
        .clock(env.clock())
        .onError(POLICY)
        .deadLetter(env.deadLetters())
        .decode(StringCodec.utf8())
        .groupedConvoy(
            Message::group,
            text -> group(text).equals(POISONED) ? poisoned.apply(text) : healthy(env, text, start),
            c -> c.concurrency(concurrency))
        .start();
  }

  private Map<String, Duration> undisturbed(int firstGroup, int concurrency) {
    finished.clear();
    flow(concurrency, text -> Mono.delay(WORK).thenReturn(text))
        .send(messages(firstGroup))
        .thenAwait(LONG)
        .expectAcked((GROUPS - firstGroup) * EACH)
        .verify();
    return new TreeMap<>(finished);
  }

  /** The poisoned group fails as slowly as the others work, and each of them has a worker. */
  @Test
  void costsTheOtherGroupsNoTimeWhenItFailsSlowly() {
    Map<String, Duration> undisturbed = undisturbed(0, GROUPS);
    finished.clear();
    flow(GROUPS, text -> Mono.delay(WORK).then(Mono.error(new TimeoutException())))
        .send(messages(0))
        .thenAwait(LONG)
        .expectAcked((GROUPS - 1) * EACH)
        .expectDeadLettered(ATTEMPTS_EXHAUSTED, EACH)
        .expectWaiting()
        .expectNoUnsettled()
        .expectOrderPerGroup()
        .expectUp()
        .verify();
    assertThat(finished).isEqualTo(undisturbed).hasSize(GROUPS - 1);
    assertThat(finished.values()).containsOnly(WORK.multipliedBy(EACH));
  }

  /** Ten workers for a hundred groups: what sleeps before a retry holds none of them. */
  @Test
  void costsTheOtherGroupsNoTimeWhenWorkersAreScarce() {
    Map<String, Duration> without = undisturbed(1, 10);
    finished.clear();
    flow(10, text -> Mono.error(new TimeoutException()))
        .send(messages(0))
        .thenAwait(LONG)
        .expectAcked((GROUPS - 1) * EACH)
        .expectDeadLettered(ATTEMPTS_EXHAUSTED, EACH)
        .expectWaiting()
        .expectNoUnsettled()
        .verify();
    assertThat(finished).isEqualTo(without).hasSize(GROUPS - 1);
  }

  @Test
  void isConsumedMessageByMessageAsItsDeadLettersAreConfirmed() {
    flow(GROUPS, text -> Mono.error(new TimeoutException()))
        .send("0-0", "0-1")
        .thenAwait(Duration.ofMillis(2_999)) // attempts at 0 s, 1 s and 3 s
        .expectUnsettled(2)
        .thenAwait(Duration.ofMillis(1))
        .expectDeadLettered(ATTEMPTS_EXHAUSTED, "0-0")
        .expectUnsettled(1)
        .thenAwait(Duration.ofSeconds(3))
        .expectDeadLettered(ATTEMPTS_EXHAUSTED, "0-1")
        .expectNoUnsettled()
        .expectWaiting()
        .verify();
  }

  private FlowVerifier withDeadLettersDownWhile(AtomicBoolean down) {
    return FlowVerifier.create(
            env -> {
              env.deadLetterChannel()
                  .onSend(
                      (letter, accepted) ->
                          down.get()
                              ? Mono.error(SendFailed.notSent("dead letters", "down", null))
                              : accepted);
              return start(env, GROUPS, text -> Mono.error(new IllegalArgumentException("bad")));
            })
        .groupBy(PoisonTest::group);
  }

  @Test
  void stallsItsGroupAndSaysSoUntilItsDeadLettersAreTaken() {
    AtomicBoolean down = new AtomicBoolean(true);
    withDeadLettersDownWhile(down)
        .send("0-0", "0-1", "1-0")
        .thenAwait(LONG)
        .expectAcked("1-0")
        .expectUnsettled(2)
        .expectStalled(SendFailed.class)
        .then(env -> down.set(false))
        .thenAwait(Duration.ofSeconds(15)) // it is tried again every ten seconds, with jitter
        .expectDeadLettered(POISON, "0-0", "0-1")
        .expectNoUnsettled()
        .expectUp()
        .verify();
  }

  @Test
  void isNotConsumedWhenTheFlowIsStoppedWhileItsDeadLettersAreRefused() {
    withDeadLettersDownWhile(new AtomicBoolean(true))
        .send("0-0", "0-1", "1-0")
        .thenAwait(LONG)
        .expectAcked("1-0")
        .thenStop(Duration.ZERO)
        .thenAwait(Duration.ofSeconds(10))
        .expectState(FlowHandle.State.STOPPED)
        .expectReleased("0-1")
        .expectWaiting("0-0", "0-1")
        .expectNoUnsettled()
        .verify();
  }
}
