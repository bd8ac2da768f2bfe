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
package dev.sluice.pubsub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.channel.SendFailed;
import dev.sluice.message.Message;
import dev.sluice.pubsub.TopicStats.SubscriberStats;
import dev.sluice.test.MeterReadings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.reactivestreams.Subscription;
import reactor.core.Disposable;
import reactor.core.Scannable;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.test.scheduler.VirtualTimeScheduler;

class TopicTest {

  private final VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
  private final Topic<String> topic = Topic.create("flights", c -> c.retain(5));
  private final News news = new News();

  @AfterEach
  void resetTime() {
    VirtualTimeScheduler.reset();
  }

  /** What a subscriber is told. */
  private static final class News implements SubscriberListener {
    final List<Long> dropped = new ArrayList<>();
    final List<String> missed = new ArrayList<>();
    final List<Object> failed = new ArrayList<>();

    @Override
    public void dropped(Published<?> published) {
      dropped.add(published.position());
    }

    @Override
    public void missed(long from, long count) {
      missed.add(from + "+" + count);
    }

    @Override
    public void failed(Message<?> message, Throwable error) {
      failed.add(message.payload());
    }
  }

  private void publish(String... payloads) {
    for (String payload : payloads) {
      topic.publish(Message.of(payload).withType("flight." + payload.charAt(0)));
    }
  }

  private Flux<String> payloads(UnaryOperator<SubscriberSpec<String>> spec) {
    return topic.messages(spec).map(Message::payload);
  }

  @Nested
  class Values {

    @Test
    void everySubscriberGetsEverything() {
      StepVerifier.create(payloads(s -> s))
          .then(() -> publish("a1", "b1"))
          .expectNext("a1", "b1")
          .thenCancel()
          .verify();
      List<String> one = new ArrayList<>();
      List<String> two = new ArrayList<>();
      payloads(s -> s).subscribe(one::add);
      payloads(s -> s.dropOldest(10)).subscribe(two::add);
      publish("a2", "b2");
      assertThat(one).containsExactly("a2", "b2").isEqualTo(two);
    }

    @Test
    void byTypeAndByContent() {
      List<String> types = new ArrayList<>();
      List<String> content = new ArrayList<>();
      List<String> both = new ArrayList<>();
      payloads(s -> s.types("flight.b", "flight.*.x")).subscribe(types::add);
      payloads(s -> s.dropOldest(10).where(m -> m.payload().endsWith("2"))).subscribe(content::add);
      payloads(s -> s.types("flight.b").where(m -> m.payload().endsWith("2"))).subscribe(both::add);
      publish("a1", "b1", "a2", "b2");
      assertThat(types).containsExactly("b1", "b2");
      assertThat(content).containsExactly("a2", "b2");
      assertThat(both).containsExactly("b2");
    }

    @Test
    void positionsCountWhatWasPublished() {
      publish("a0");
      StepVerifier.create(topic.subscribe(s -> s.types("flight.b")).map(Published::position))
          .then(() -> publish("a1", "b2", "a3", "b4"))
          .expectNext(2L, 4L)
          .thenCancel()
          .verify();
    }

    @Test
    void aClosedTopicCompletesWhatIsDelivered() {
      StepVerifier.create(payloads(s -> s), 1)
          .then(() -> publish("a1", "a2"))
          .then(topic::close)
          .expectNext("a1")
          .thenRequest(1)
          .expectNext("a2")
          .verifyComplete();
      StepVerifier.create(payloads(s -> s.fromEarliest())).expectNext("a1", "a2").verifyComplete();
      StepVerifier.create(payloads(s -> s.dropOldest(1).fromEarliest()))
          .expectNext("a2")
          .verifyComplete();
      StepVerifier.create(payloads(s -> s)).verifyComplete();
      assertThatThrownBy(() -> publish("a3")).hasMessage("topic flights is closed");
      StepVerifier.create(topic.send(Message.of("a3")))
          .verifyErrorSatisfies(
              e ->
                  assertThat(((SendFailed) e).certainty())
                      .isEqualTo(SendFailed.Certainty.PERMANENT));
    }

    @Test
    void aReceiptTellsThePosition() {
      publish("a0");
      StepVerifier.create(topic.send(Message.of("a1")))
          .expectNextMatches(r -> r.channel().equals("flights") && r.position().equals("1"))
          .verifyComplete();
    }
  }

  @Nested
  class Start {

    @Test
    void atTheLatestByDefault() {
      publish("a0");
      StepVerifier.create(payloads(s -> s))
          .then(() -> publish("a1"))
          .expectNext("a1")
          .thenCancel()
          .verify();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void atTheEarliestThatTheTopicStillHas(boolean reads) {
      publish("a0", "a1", "a2", "a3", "a4", "a5", "a6");
      StepVerifier.create(
              payloads(
                  s -> {
                    SubscriberSpec<String> spec = s.fromEarliest().listener(news);
                    return reads ? spec : spec.dropOldest(10);
                  }))
          .expectNext("a2", "a3", "a4", "a5", "a6")
          .then(() -> publish("a7"))
          .expectNext("a7")
          .thenCancel()
          .verify();
      assertThat(news.missed).containsExactly("0+2");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void atAPosition(boolean reads) {
      publish("a0", "a1", "a2");
      UnaryOperator<SubscriberSpec<String>> kind = s -> reads ? s : s.dropOldest(10);
      StepVerifier.create(payloads(s -> kind.apply(s).fromPosition(1)))
          .expectNext("a1", "a2")
          .thenCancel()
          .verify();
      StepVerifier.create(payloads(s -> kind.apply(s).fromPosition(4)))
          .then(() -> publish("a3", "a4"))
          .expectNext("a4")
          .thenCancel()
          .verify();
    }

    @Test
    void atTheLatestWhateverWasSaidBefore() {
      publish("a0", "a1");
      StepVerifier.create(payloads(s -> s.fromEarliest().fromLatest()))
          .then(() -> publish("a2"))
          .expectNext("a2")
          .thenCancel()
          .verify();
    }

    @Test
    void thePastCountsAsIfItCameAtOnce() {
      publish("a0", "b0", "a1", "b1");
      StepVerifier.create(payloads(s -> s.fromEarliest().coalesce(m -> m.payload().charAt(0), 10)))
          .expectNext("a1", "b1")
          .thenCancel()
          .verify();
      StepVerifier.create(payloads(s -> s.fromEarliest().latest()))
          .expectNext("b1")
          .thenCancel()
          .verify();
      StepVerifier.create(payloads(s -> s.fromEarliest().disconnect(3)))
          .verifyError(SlowSubscriber.class);
    }

    @Test
    void aSubscriberGoesOnWhereItHasEnded() {
      List<Published<String>> first = new ArrayList<>();
      Disposable subscription = topic.subscribe(s -> s).subscribe(first::add);
      publish("a0", "a1");
      subscription.dispose();
      publish("a2", "a3");
      long next = first.get(first.size() - 1).position() + 1;
      StepVerifier.create(payloads(s -> s.fromPosition(next)))
          .expectNext("a2", "a3")
          .thenCancel()
          .verify();
    }
  }

  @Nested
  class Slow {

    private List<String> slowly(UnaryOperator<SubscriberSpec<String>> spec) {
      List<String> got = new ArrayList<>();
      BaseSubscriber<String> slow =
          new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(Subscription subscription) {}

            @Override
            protected void hookOnNext(String payload) {
              got.add(payload);
            }

            @Override
            protected void hookOnError(Throwable error) {
              got.add(error.getMessage());
            }
          };
      payloads(s -> spec.apply(s.name("slow").listener(news))).subscribe(slow);
      publish("a0", "b1", "a2", "b3", "c4");
      slow.request(10);
      publish("d5");
      slow.cancel();
      return got;
    }

    @Test
    void catchesUp() {
      assertThat(slowly(s -> s.catchUp())).containsExactly("a0", "b1", "a2", "b3", "c4", "d5");
    }

    @Test
    void missesWhatTheTopicHasNoMore() {
      StepVerifier.create(payloads(s -> s.listener(news)), 0)
          .then(() -> publish("a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7"))
          .thenRequest(10)
          .expectNext("a3", "a4", "a5", "a6", "a7")
          .thenCancel()
          .verify();
      assertThat(news.missed).containsExactly("0+3");
    }

    @Test
    void dropsTheOldest() {
      assertThat(slowly(s -> s.dropOldest(2))).containsExactly("b3", "c4", "d5");
      assertThat(news.dropped).containsExactly(0L, 1L, 2L);
    }

    @Test
    void dropsTheNewest() {
      assertThat(slowly(s -> s.dropNewest(2))).containsExactly("a0", "b1", "d5");
      assertThat(news.dropped).containsExactly(2L, 3L, 4L);
    }

    @Test
    void keepsTheLatest() {
      assertThat(slowly(s -> s.latest())).containsExactly("c4", "d5");
    }

    @Test
    void coalescesByKeyInThePlaceOfTheFirst() {
      assertThat(slowly(s -> s.coalesce(m -> m.payload().charAt(0), 10)))
          .containsExactly("a2", "b3", "c4", "d5");
      assertThat(news.dropped).containsExactly(0L, 1L);
    }

    @Test
    void dropsTheOldestKeyWhenThereAreTooMany() {
      assertThat(slowly(s -> s.coalesce(m -> m.payload().charAt(0), 2)))
          .containsExactly("b3", "c4", "d5");
      assertThat(news.dropped).containsExactly(0L, 1L, 2L);
    }

    @Test
    void isDisconnected() {
      assertThat(slowly(s -> s.disconnect(2)))
          .containsExactly(
              "flights: subscriber slow is too slow, 2 messages were waiting when 2 came");
      assertThat(topic.stats().subscribers()).isEmpty();
    }

    @Test
    void whatIsNotWantedTakesNoRoom() {
      assertThat(slowly(s -> s.dropNewest(2).types("flight.b", "flight.c")))
          .containsExactly("b1", "b3");
      assertThat(news.dropped).containsExactly(4L);
    }
  }

  @Nested
  class Backpressure {

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void nothingComesThatWasNotRequested(boolean reads) {
      StepVerifier.create(payloads(s -> reads ? s : s.disconnect(10)), 0)
          .then(() -> publish("a0", "a1", "a2"))
          .thenRequest(1)
          .expectNext("a0")
          .thenRequest(1)
          .expectNext("a1")
          .thenCancel()
          .verify();
    }

    @Test
    void completesWithoutDemandWhenNothingWaits() {
      StepVerifier.create(payloads(s -> s.dropOldest(1)), 0).then(topic::close).verifyComplete();
    }
  }

  @Nested
  class Errors {

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aFilterThatThrowsLeavesOutItsMessageForItsSubscriberOnly(boolean reads) {
      List<String> broken = new ArrayList<>();
      List<String> fine = new ArrayList<>();
      payloads(
              s -> {
                SubscriberSpec<String> spec =
                    s.listener(news).where(m -> Integer.parseInt(m.payload().substring(1)) > 0);
                return reads ? spec : spec.dropOldest(10);
              })
          .subscribe(broken::add);
      payloads(s -> s).subscribe(fine::add);
      publish("a1", "ax", "a2");
      assertThat(broken).containsExactly("a1", "a2");
      assertThat(fine).containsExactly("a1", "ax", "a2");
      assertThat(news.failed).containsExactly("ax");
    }

    @Test
    void aKeyThatThrowsOrIsNullLeavesOutItsMessage() {
      List<String> got = new ArrayList<>();
      payloads(s -> s.listener(news).coalesce(m -> m.payload().equals("a1") ? null : "k", 10))
          .subscribe(got::add);
      publish("a0", "a1", "a2");
      assertThat(got).containsExactly("a0", "a2");
      assertThat(news.failed).containsExactly("a1");
    }

    @Test
    void aSubscriberThatThrowsIsNotFelt() {
      List<Throwable> errors = new ArrayList<>();
      payloads(s -> s)
          .subscribe(
              p -> {
                throw new IllegalStateException("broken screen");
              },
              errors::add);
      List<String> fine = new ArrayList<>();
      payloads(s -> s).subscribe(fine::add);
      publish("a0", "a1");
      assertThat(fine).containsExactly("a0", "a1");
      assertThat(errors).hasSize(1);
      assertThat(topic.stats().subscribers()).hasSize(1);
    }

    @Test
    void aListenerThatThrowsIsNotFelt() {
      SubscriberListener broken =
          new SubscriberListener() {
            @Override
            public void dropped(Published<?> published) {
              throw new IllegalStateException("broken");
            }
          };
      StepVerifier.create(payloads(s -> s.latest().listener(broken)), 0)
          .then(() -> publish("a0", "a1"))
          .thenRequest(1)
          .expectNext("a1")
          .thenCancel()
          .verify();
    }

    @Test
    void aSchedulerThatIsGoneIsAnErrorOfItsSubscriber() {
      VirtualTimeScheduler.reset();
      for (Scheduler gone :
          List.of(Schedulers.newSingle("gone"), Schedulers.newBoundedElastic(1, 1, "gone"))) {
        gone.dispose();
        StepVerifier.create(payloads(s -> s.scheduler(gone)))
            .expectErrorMatches(e -> e instanceof RejectedExecutionException)
            .verify(Duration.ofSeconds(30));
        assertThat(topic.stats().subscribers()).isEmpty();
      }
    }
  }

  @Nested
  class Cancellation {

    @Test
    void aSubscriberThatCancelsIsForgotten() {
      Disposable subscription = payloads(s -> s.dropOldest(3)).subscribe();
      assertThat(topic.stats().subscribers()).hasSize(1);
      subscription.dispose();
      assertThat(topic.stats().subscribers()).isEmpty();
      publish("a0");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void mayCancelFromWithin(boolean reads) {
      StepVerifier.create(payloads(s -> reads ? s : s.dropOldest(9)).take(2))
          .then(() -> publish("a0", "a1", "a2"))
          .expectNext("a0", "a1")
          .verifyComplete();
      assertThat(topic.stats().subscribers()).isEmpty();
    }

    @Test
    void mayCancelWhenItIsSubscribed() {
      payloads(s -> s.fromEarliest().dropOldest(1))
          .subscribe(
              new BaseSubscriber<>() {
                @Override
                protected void hookOnSubscribe(Subscription subscription) {
                  cancel();
                }
              });
      assertThat(topic.stats().subscribers()).isEmpty();
    }
  }

  @Nested
  class Scan {

    @Test
    void tellsWhatItIsDoing() {
      publish("a0");
      payloads(s -> s.name("screens").dropOldest(2)).subscribe(new Idle());
      payloads(s -> s.name("archive")).subscribe(new Idle());
      publish("a1", "a2", "a3");
      TopicStats stats = topic.stats();
      assertThat(stats.published()).isEqualTo(4);
      assertThat(stats.retained()).isEqualTo(4);
      assertThat(stats.subscribers())
          .containsExactly(
              new SubscriberStats("screens", 2, 1), new SubscriberStats("archive", 3, 0));
      assertThat(topic).hasToString("Topic[flights, 2 subscribers]");
    }

    @Test
    void theNumbersAreMeters() {
      MeterReadings numbers = MeterReadings.of(topic);
      payloads(s -> s.dropOldest(2)).subscribe(new Idle());
      Disposable archive = topic.subscribe(s -> s).subscribe();
      publish("a1", "a2", "a3");
      archive.dispose();
      assertThat(numbers.read().get("sluice.topic.published{topic=flights}")).isEqualTo(3);
      assertThat(numbers.read().get("sluice.topic.lost{topic=flights}")).isEqualTo(1);
      assertThat(numbers.read().get("sluice.topic.subscribers{topic=flights}")).isEqualTo(1);
      assertThat(numbers.read().get("sluice.topic.behind{topic=flights}")).isEqualTo(2);
    }

    @Test
    void leadsFromTheSubscriberToTheTopic() {
      List<Scannable> chain = new ArrayList<>();
      topic
          .subscribe(s -> s.name("screens").dropOldest(2))
          .subscribe(
              new BaseSubscriber<>() {
                @Override
                protected void hookOnSubscribe(Subscription subscription) {
                  chain.add(Scannable.from(subscription));
                }
              });
      Scannable subscriber = chain.get(0);
      assertThat(subscriber.scan(Scannable.Attr.NAME)).isEqualTo("screens");
      assertThat(subscriber.scan(Scannable.Attr.CAPACITY)).isEqualTo(2);
      assertThat(subscriber.scan(Scannable.Attr.CANCELLED)).isFalse();
      assertThat(subscriber.scan(Scannable.Attr.ACTUAL)).isNotNull();
      publish("a0");
      assertThat(subscriber.scan(Scannable.Attr.LARGE_BUFFERED)).isEqualTo(1);
    }

    private static final class Idle extends BaseSubscriber<String> {
      @Override
      protected void hookOnSubscribe(Subscription subscription) {}
    }
  }

  @Nested
  class Isolation {

    /** When each of five subscribers had which message; one may be stuck, one may be broken. */
    private List<List<String>> run(boolean disturbed) {
      Topic<Long> events = Topic.create("events");
      List<List<String>> seen = new ArrayList<>();
      AtomicInteger failures = new AtomicInteger();
      for (int i = 0; i < 5; i++) {
        int number = i;
        List<String> mine = new ArrayList<>();
        seen.add(mine);
        Flux<Message<Long>> messages = events.messages(s -> s.name("subscriber " + number));
        messages
            .concatMap(
                m -> {
                  if (disturbed && number == 1) {
                    failures.incrementAndGet();
                    throw new IllegalStateException("broken screen");
                  }
                  boolean stuck = disturbed && number == 0 && m.payload() == 0;
                  Duration work = stuck ? Duration.ofSeconds(60) : Duration.ofMillis(7);
                  return Mono.delay(work).thenReturn(m.payload());
                },
                0)
            .retry() // it subscribes again, and what comes meanwhile is not for it
            .subscribe(n -> mine.add(n + "@" + time.now(TimeUnit.MILLISECONDS)));
      }
      long begin = time.now(TimeUnit.MILLISECONDS);
      Flux.interval(Duration.ZERO, Duration.ofMillis(100))
          .take(650)
          .subscribe(n -> events.publish(Message.of(n)));
      time.advanceTimeBy(Duration.ofSeconds(120));
      events.close();
      time.advanceTimeBy(Duration.ofSeconds(1));
      if (disturbed) {
        assertThat(failures).hasValue(650);
      }
      return seen.stream()
          .map(
              list ->
                  list.stream()
                      .map(
                          s ->
                              s.substring(0, s.indexOf('@') + 1)
                                  + (Long.parseLong(s.substring(s.indexOf('@') + 1)) - begin))
                      .toList())
          .toList();
    }

    /** One that blocks its own thread, not only its own sequence. */
    @Test
    @Timeout(60)
    void whoPublishesDoesNotRunWhatSubscribersDo() throws InterruptedException {
      VirtualTimeScheduler.reset();
      Scheduler own = Schedulers.newBoundedElastic(1, 100, "screen");
      CountDownLatch release = new CountDownLatch(1);
      CountDownLatch shown = new CountDownLatch(2);
      Disposable stuck =
          payloads(s -> s.scheduler(own))
              .subscribe(
                  payload -> {
                    try {
                      release.await();
                      shown.countDown();
                    } catch (InterruptedException e) {
                      Thread.currentThread().interrupt();
                    }
                  });
      publish("a0", "a1");
      release.countDown();
      assertThat(shown.await(30, TimeUnit.SECONDS)).isTrue();
      stuck.dispose();
      own.dispose();
    }

    @Test
    void theOthersReceiveTheSameAtTheSameTime() {
      List<List<String>> undisturbed = run(false);
      List<List<String>> disturbed = run(true);
      for (int i = 2; i < 5; i++) {
        assertThat(disturbed.get(i)).hasSize(650).isEqualTo(undisturbed.get(i));
      }
      assertThat(disturbed.get(0).stream().map(s -> Long.parseLong(s.substring(0, s.indexOf('@')))))
          .as("the stuck one misses nothing")
          .containsExactlyElementsOf(LongStream.range(0, 650).boxed().toList());
      assertThat(disturbed.get(0).get(0)).isEqualTo("0@60000");
      assertThat(disturbed.get(1)).isEmpty();
    }
  }

  @Test
  void refusesOptionsThatAreOutOfRange() {
    assertThatThrownBy(() -> Topic.create("t", c -> c.retain(0)))
        .hasMessage("retain: 0 (expected: 1..1048576)");
    assertThatThrownBy(() -> Topic.create(" ")).hasMessage("name: \" \" (expected: not blank)");
    assertThatThrownBy(() -> topic.subscribe(s -> s.dropOldest(0)))
        .hasMessage("capacity: 0 (expected: 1..1048576)");
    assertThatThrownBy(() -> topic.subscribe(s -> s.fromPosition(-1)))
        .hasMessage("position: -1 (expected: >= 0)");
    assertThatThrownBy(() -> topic.subscribe(s -> s.types()))
        .hasMessage("patterns: 0 (expected: >= 1)");
    assertThatThrownBy(() -> topic.subscribe(s -> s.types("a..b")))
        .hasMessageStartingWith("pattern: \"a..b\"");
    assertThatThrownBy(() -> topic.subscribe(s -> s.name("")))
        .hasMessage("name: \"\" (expected: not blank)");
  }
}
