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
package dev.sluice.demo.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.demo.live.LiveFeed.Event;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.publisher.BaseSubscriber;
import reactor.test.StepVerifier;
import tools.jackson.databind.json.JsonMapper;

class LiveFeedTest {

  private final AtomicInteger bags = new AtomicInteger(1);
  private final AtomicInteger seats = new AtomicInteger(7);

  private record Section(String event, Supplier<Object> seen) implements LiveSection {

    @Override
    public Object view() {
      return seen.get();
    }
  }

  private record Count(int count) {}

  private static LiveFeed feed(LiveSection... sections) {
    return new LiveFeed(List.of(sections), JsonMapper.shared());
  }

  private LiveSection bags() {
    return new Section("bags", () -> new Count(bags.get()));
  }

  private LiveSection seats() {
    return new Section("seat-quotes", () -> new Count(seats.get()));
  }

  private static Event event(String name, int count) {
    return new Event(name, "{\"count\":" + count + "}");
  }

  @Test
  void sendsEachSectionUnderItsNameAndOnlyWhatHasChanged() {
    LiveFeed feed = feed(bags(), seats());

    StepVerifier.create(feed.events())
        .then(feed::take)
        .expectNext(event("bags", 1), event("seat-quotes", 7))
        .then(feed::take)
        .then(() -> seats.set(8))
        .then(feed::take)
        .expectNext(event("seat-quotes", 8))
        .then(feed::end)
        .verifyComplete();
  }

  @Test
  void tellsWhoConnectsWhatIsThere() {
    LiveFeed feed = feed(bags(), seats());
    feed.take();
    feed.take();

    StepVerifier.create(feed.events())
        .expectNext(event("bags", 1), event("seat-quotes", 7))
        .thenCancel()
        .verify();
  }

  @Test
  void keepsAtMostTwoPicturesOfASectionForWhoIsSlowAndTheLatestIsAmongThem() {
    LiveFeed feed = feed(bags());
    List<Event> seen = new ArrayList<>();
    BaseSubscriber<Event> slow =
        new BaseSubscriber<>() {
          @Override
          protected void hookOnSubscribe(org.reactivestreams.Subscription s) {}

          @Override
          protected void hookOnNext(Event event) {
            seen.add(event);
          }
        };
    feed.events().subscribe(slow);
    for (int i = 0; i < 100; i++) {
      bags.set(i);
      feed.take();
    }

    slow.request(10);

    assertThat(seen).hasSizeLessThanOrEqualTo(2).last().isEqualTo(event("bags", 99));
    slow.cancel();
  }

  /** Reactor calls the first two fatal, and ends what ticks. */
  private static Stream<Throwable> failures() {
    return Stream.of(
        new StackOverflowError("of a view that contains itself"),
        new NoClassDefFoundError("dev/sluice/demo/View"),
        new AssertionError("no view"),
        new IllegalStateException("no answer"));
  }

  /** As it is, whatever the compiler says. */
  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <T extends Throwable> T sneaky(Throwable failure) throws T {
    throw (T) failure;
  }

  @ParameterizedTest
  @MethodSource("failures")
  void doesWithoutASectionThatCannotBeTaken(Throwable failure) {
    LiveSection broken =
        new Section(
            "broken",
            () -> {
              if (bags.get() == 1) {
                throw LiveFeedTest.<RuntimeException>sneaky(failure);
              }
              return new Count(3);
            });
    LiveFeed feed = feed(broken, seats());

    StepVerifier.create(feed.events())
        .then(feed::take)
        .expectNext(event("seat-quotes", 7))
        .then(() -> bags.set(2))
        .then(feed::take)
        .expectNext(event("broken", 3))
        .thenCancel()
        .verify();
  }

  @Test
  void doesWithoutASectionThatIsTooLarge() {
    LiveFeed feed = feed(new Section("large", () -> "x".repeat(LiveFeed.LARGEST)), seats());

    StepVerifier.create(feed.events())
        .then(feed::take)
        .expectNext(event("seat-quotes", 7))
        .thenCancel()
        .verify();
  }

  @Test
  void refusesANameThatIsTakenOrNoName() {
    assertThatThrownBy(() -> feed(bags(), bags()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("event: bags (expected: small letters and hyphens");
    assertThatThrownBy(() -> feed(new Section("Seat quotes", () -> 1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("event: Seat quotes (expected:");
  }
}
