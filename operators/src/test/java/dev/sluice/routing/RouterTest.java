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
package dev.sluice.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.SendFailed;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.ErrorClassifier.Kind;
import dev.sluice.message.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;
import reactor.test.util.RaceTestUtils;

class RouterTest {

  private final ScriptedTarget a = new ScriptedTarget("a");
  private final ScriptedTarget b = new ScriptedTarget("b");
  private final ScriptedTarget rest = new ScriptedTarget("rest");

  private static Message<String> message(String payload) {
    return Message.of(payload);
  }

  private static void send(Outbound<String> router, String... payloads) {
    StepVerifier.create(router.sendAll(Flux.just(payloads).map(RouterTest::message)))
        .expectNextCount(payloads.length)
        .verifyComplete();
  }

  @Nested
  class FirstMatch {

    @Test
    void theFirstRouteThatAcceptsAMessageTakesIt() {
      Router<String> router =
          Router.firstMatch(
              "sorter",
              r ->
                  r.when(text -> text.startsWith("a"), a)
                      .when(text -> text.endsWith("b"), b)
                      .otherwise(rest));
      send(router, "ab", "cb", "cc", "a");
      assertThat(a.sent()).containsExactly("ab", "a");
      assertThat(b.sent()).containsExactly("cb");
      assertThat(rest.sent()).containsExactly("cc");
    }

    @Test
    void routesByTypeAndByMessage() {
      Router<String> router =
          Router.firstMatch(
              "sorter", r -> r.whenType("bag.*.scanned", a).whenMessage(m -> m.priority() == 9, b));
      send(router);
      StepVerifier.create(router.send(message("one").withType("bag.x.scanned")))
          .expectNextMatches(receipt -> receipt.channel().equals("a"))
          .verifyComplete();
      StepVerifier.create(router.send(message("two").withPriority(9)))
          .expectNextMatches(receipt -> receipt.channel().equals("b"))
          .verifyComplete();
    }

    @Test
    void whatNoRouteAcceptsIsUnroutable() {
      Message<String> lost = message("x");
      StepVerifier.create(
              Router.<String>firstMatch("sorter", r -> r.when(t -> false, a)).send(lost))
          .verifyErrorSatisfies(
              e -> {
                assertThat(e)
                    .isInstanceOf(Unroutable.class)
                    .hasMessageStartingWith("sorter: no route accepts Message[id=" + lost.id());
                assertThat(((Unroutable) e).reason()).isEqualTo(DeadLetterReason.UNROUTABLE);
                assertThat(((Unroutable) e).kind()).isEqualTo(Kind.POISON);
                assertThat(((Unroutable) e).router()).isEqualTo("sorter");
              });
    }

    @Test
    void aPredicateThatThrowsFailsItsMessageOnly() {
      Router<String> router =
          Router.firstMatch(
              "sorter", r -> r.when(text -> text.charAt(1) == 'a', a).otherwise(rest));
      StepVerifier.create(router.send(message("x")))
          .verifyError(StringIndexOutOfBoundsException.class);
      send(router, "xa");
    }

    @Test
    void theFailureOfTheChannelIsThatOfTheSend() {
      SendFailed failure = SendFailed.notSent("a", "down", null);
      a.failing(failure);
      StepVerifier.create(
              Router.<String>firstMatch("sorter", r -> r.otherwise(a)).send(message("x")))
          .verifyErrorSatisfies(e -> assertThat(e).isSameAs(failure));
    }

    @Test
    void aChannelThatThrowsFailsTheSend() {
      Outbound<String> broken =
          new Outbound<>() {
            @Override
            public String name() {
              return "broken";
            }

            @Override
            public Mono<Receipt> send(Message<String> message) {
              throw new IllegalStateException("broken");
            }
          };
      StepVerifier.create(
              Router.<String>firstMatch("sorter", r -> r.otherwise(broken)).send(message("x")))
          .verifyErrorMessage("broken");
    }

    @Test
    void aChannelThatGivesNoReceiptHasConfirmedNothing() {
      a.answering(message -> Mono.empty());
      StepVerifier.create(
              Router.<String>firstMatch("sorter", r -> r.otherwise(a)).send(message("x")))
          .verifyErrorSatisfies(
              e ->
                  assertThat(((SendFailed) e).certainty()).isEqualTo(SendFailed.Certainty.UNKNOWN));
    }
  }

  @Nested
  class AllMatches {

    private final Router<String> router =
        Router.allMatches(
            "list",
            r ->
                r.when(text -> text.contains("a"), a)
                    .when(text -> text.contains("b"), b)
                    .otherwise(rest));

    @Test
    void everyRouteThatAcceptsAMessageTakesIt() {
      send(router, "ab", "a", "b", "c");
      assertThat(a.sent()).containsExactly("ab", "a");
      assertThat(b.sent()).containsExactly("ab", "b");
      assertThat(rest.sent()).containsExactly("c");
    }

    @Test
    void aChannelThatSeveralRoutesLeadToGetsItOnce() {
      router.update(table -> table.when(text -> text.length() == 2, a));
      send(router, "ab");
      assertThat(a.sent()).containsExactly("ab");
    }

    @Test
    void itIsConfirmedWhenAllHaveConfirmed() {
      Sinks.One<Receipt> slow = Sinks.one();
      b.answering(message -> slow.asMono());
      Message<String> message = message("ab");
      StepVerifier.create(router.send(message))
          .expectSubscription()
          .then(() -> assertThat(a.sent()).hasSize(1))
          .then(() -> slow.tryEmitValue(new Receipt("b", message.id(), "7")).orThrow())
          .expectNext(new Receipt("list", message.id(), "a@1 b@7"))
          .verifyComplete();
    }

    @Test
    void whenOneFailsTheOthersAreSeenToTheirEnd() {
      Sinks.One<Receipt> slow = Sinks.one();
      b.answering(message -> slow.asMono());
      a.failing(SendFailed.permanent("a", "too large", null));
      Message<String> message = message("ab");
      StepVerifier.create(router.send(message))
          .expectSubscription()
          .then(() -> slow.tryEmitValue(new Receipt("b", message.id(), "7")).orThrow())
          .verifyErrorSatisfies(
              e -> {
                RecipientsFailed failed = (RecipientsFailed) e;
                assertThat(failed)
                    .hasMessage("list: not confirmed by [a], confirmed by [b]")
                    .hasCauseInstanceOf(SendFailed.class);
                assertThat(failed.failed()).containsExactly("a");
                assertThat(failed.confirmed()).containsExactly("b");
                assertThat(failed.kind()).isEqualTo(Kind.POISON);
              });
    }

    @Test
    void isWorthAnotherAttemptIfOneOfTheFailuresIs() {
      a.failing(SendFailed.permanent("a", "too large", null));
      b.failing(SendFailed.notSent("b", "down", null));
      StepVerifier.create(router.send(message("ab")))
          .verifyErrorSatisfies(
              e -> {
                assertThat(((RecipientsFailed) e).kind()).isEqualTo(Kind.TRANSIENT);
                assertThat(e.getSuppressed()).anyMatch(SendFailed.class::isInstance);
              });
    }

    /** What is certainly not sent may be taken back, its stored payload for one. */
    @Test
    void isNoFailedSendOfWhichOneCanBeCertain() {
      a.failing(SendFailed.permanent("a", "too large", null));
      StepVerifier.create(router.send(message("ab")))
          .verifyErrorSatisfies(e -> assertThat(e).isNotInstanceOf(SendFailed.class));
    }

    @Test
    void aFatalErrorIsFatal() {
      a.failing(new OutOfMemoryError("simulated"));
      StepVerifier.create(router.send(message("ab")))
          .verifyErrorSatisfies(
              e -> assertThat(((RecipientsFailed) e).kind()).isEqualTo(Kind.FATAL));
    }

    @Test
    void aCancelReachesEverySend() {
      TestPublisher<Receipt> toA = TestPublisher.create();
      TestPublisher<Receipt> toB = TestPublisher.create();
      a.answering(message -> toA.mono());
      b.answering(message -> toB.mono());
      StepVerifier.create(router.send(message("ab")))
          .expectSubscription()
          .then(() -> {})
          .thenCancel()
          .verify();
      toA.assertCancelled();
      toB.assertCancelled();
    }

    @Test
    void onErrorContinueFurtherDownDoesNotChangeWhatBecomesOfIt() {
      a.failing(SendFailed.notSent("a", "down", null));
      AtomicInteger continued = new AtomicInteger();
      StepVerifier.create(
              Flux.just(message("ab"))
                  .concatMap(
                      m -> router.send(m).onErrorResume(RecipientsFailed.class, e -> Mono.empty()))
                  .onErrorContinue((e, element) -> continued.incrementAndGet()))
          .verifyComplete();
      assertThat(b.sent()).containsExactly("ab");
    }
  }

  @Nested
  class Swap {

    private final RoutingTable<String> toA = RoutingTable.<String>firstMatch().otherwise(a);
    private final RoutingTable<String> toB = RoutingTable.<String>firstMatch().otherwise(b);

    @Test
    void messagesThatAreOnTheirWayKeepTheirRoutes() {
      Sinks.One<Receipt> slow = Sinks.one();
      a.answering(message -> slow.asMono());
      Router<String> router = Router.by("sorter", toA);
      Mono<Receipt> notYet = router.send(message("later"));
      StepVerifier.create(router.send(message("now")))
          .then(() -> assertThat(router.swap(toB)).isSameAs(toA))
          .then(() -> StepVerifier.create(notYet).expectNextCount(1).verifyComplete())
          .then(() -> slow.tryEmitValue(new Receipt("a", "now", "1")).orThrow())
          .expectNextCount(1)
          .verifyComplete();
      assertThat(a.sent()).containsExactly("now");
      assertThat(b.sent()).containsExactly("later");
      assertThat(router.table()).isSameAs(toB);
    }

    @Test
    void noChangeIsLostWhenSeveralAreMadeAtOnce() {
      for (int i = 0; i < 500; i++) {
        Router<String> router = Router.allMatches("sorter", r -> r);
        RaceTestUtils.race(
            () -> router.update(table -> table.when(t -> true, a)),
            () -> router.update(table -> table.when(t -> true, b)));
        a.sent().clear();
        b.sent().clear();
        send(router, "x");
        assertThat(a.sent()).hasSize(1);
        assertThat(b.sent()).hasSize(1);
      }
    }

    /** Two routes that are always swapped together: no message may meet one of each. */
    @Test
    void noMessageSeesAMixture() {
      List<String> atA = new ArrayList<>();
      Router<String> router = Router.by("sorter", RoutingTable.allMatches());
      RoutingTable<String> odd =
          RoutingTable.<String>allMatches().when(t -> true, a).when(t -> true, b);
      for (int i = 0; i < 500; i++) {
        router.swap(RoutingTable.<String>allMatches().otherwise(rest));
        a.sent().clear();
        b.sent().clear();
        rest.sent().clear();
        Message<String> message = message("x" + i);
        RaceTestUtils.race(
            () -> router.swap(odd),
            () -> router.send(message).subscribe(r -> atA.add(r.channel())));
        assertThat(a.sent().size()).isEqualTo(b.sent().size());
        assertThat(a.sent().size() + rest.sent().size()).isEqualTo(1);
      }
      assertThat(atA).hasSize(500);
    }
  }

  @Test
  void keepsTheOrderOfMessagesToOneChannel() {
    List<String> many =
        Flux.range(0, 2_000).map(i -> (i % 3 == 0 ? "a" : "b") + i).collectList().block();
    Router<String> router =
        Router.firstMatch("sorter", r -> r.when(t -> t.startsWith("a"), a).otherwise(b));
    send(router, many.toArray(String[]::new));
    assertThat(a.sent()).isEqualTo(many.stream().filter(t -> t.startsWith("a")).toList());
    assertThat(b.sent()).isEqualTo(many.stream().filter(t -> t.startsWith("b")).toList());
  }

  @Test
  void aRouterMayLeadToARouter() {
    Router<String> inner = Router.firstMatch("inner", r -> r.when(t -> t.startsWith("a"), a));
    Router<String> outer = Router.firstMatch("outer", r -> r.when(t -> t.length() == 1, inner));
    send(outer, "a");
    StepVerifier.create(outer.send(message("b")))
        .verifyErrorSatisfies(e -> assertThat(((Unroutable) e).router()).isEqualTo("inner"));
  }

  @Test
  void refusesABlankName() {
    assertThatThrownBy(() -> Router.by(" ", RoutingTable.firstMatch()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("name: \" \" (expected: not blank)");
  }

  @Test
  void tellsWhatItsTableIs() {
    assertThat(Router.<String>firstMatch("sorter", r -> r.when(t -> true, a).otherwise(rest)))
        .hasToString("Router[sorter, RoutingTable[first match of [a], otherwise rest]]");
  }
}
