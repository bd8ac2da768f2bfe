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
package dev.sluice.docs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.Outbound;
import dev.sluice.codec.StringCodec;
import dev.sluice.deadletter.DeadLettering;
import dev.sluice.deadletter.Redriver;
import dev.sluice.flow.Flow;
import dev.sluice.flow.RunnableFlow;
import dev.sluice.message.Message;
import dev.sluice.store.DeadLetter;
import dev.sluice.store.DeadLetterQuery;
import dev.sluice.store.DeadLetters;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

/** The code of docs/patterns/dead-letters.md. */
class DeadLettersPageTest {

  /** An empty store: what letters do in one is tested with the stores. */
  private static final class Empty implements DeadLetters {
    @Override
    public Mono<String> add(Message<byte[]> letter) {
      return Mono.just("1");
    }

    @Override
    public Flux<DeadLetter> query(DeadLetterQuery query) {
      return Flux.empty();
    }

    @Override
    public Flux<Group> groups(DeadLetterQuery query) {
      return Flux.empty();
    }

    @Override
    public Mono<Stats> stats() {
      return Mono.just(new Stats(0, Duration.ZERO));
    }

    @Override
    public Flux<Claimed> claim(DeadLetterQuery query, Duration lease) {
      return Flux.empty();
    }

    @Override
    public Mono<Boolean> remove(Claimed claimed) {
      return Mono.just(false);
    }

    @Override
    public Mono<Boolean> release(Claimed claimed) {
      return Mono.just(false);
    }

    @Override
    public Mono<Long> purge(DeadLetterQuery query) {
      return Mono.just(0L);
    }
  }

  private final DeadLetters letters = new Empty(); // PostgresDeadLetters.create(database)
  private final TestChannel orders = TestChannel.create("orders");
  private final TestChannel shipments = TestChannel.create("shipments");

  @Test
  void kept() {
    Outbound<String> target = Outbound.encoding(StringCodec.utf8(), shipments);
    // #region keep
    RunnableFlow flow =
        Flow.from(orders)
            .decode(StringCodec.utf8())
            .deadLetter(DeadLettering.into("orders.dead", letters))
            .to(target);
    // #endregion
    flow.start().stop(Duration.ZERO).block(Duration.ofSeconds(10));
  }

  @Test
  void reviewed() {
    // #region review
    Flux<String> reminders =
        DeadLettering.review(
                letters, Duration.ofMinutes(5), Duration.ofHours(8), Schedulers.parallel())
            .filter(DeadLettering.Digest::overdue) // a warning for the health check
            .map(digest -> digest.stats().letters() + " letters, of " + digest.causes());
    // #endregion
    StepVerifier.create(reminders).thenCancel().verify();
  }

  @Test
  void sentBack() {
    // #region redrive
    Redriver redriver =
        DeadLettering.redriver(letters, letter -> orders, r -> r.rate(50).maxRedrives(3));
    DeadLetterQuery fixed =
        DeadLetterQuery.all().fingerprint("POISON java.lang.ArithmeticException");

    Mono<List<DeadLetters.Group>> whatWouldGo = redriver.dryRun(fixed).collectList();
    Mono<Long> sent = redriver.redrive(fixed);
    // #endregion
    assertThat(whatWouldGo.block()).isEmpty();
    assertThat(sent.block()).isZero();
  }

  @Test
  void forgotten() {
    // #region purge
    Mono<Long> forgotten = letters.purge(DeadLetterQuery.all().minAge(Duration.ofDays(90)));
    // #endregion
    assertThat(forgotten.block()).isZero();
  }
}
