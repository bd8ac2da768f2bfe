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

import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import dev.sluice.test.TestChannel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/** The code of docs/concepts/settlement.md that is not that of a contract. */
@ExtendWith(LeakCheck.class)
class SettlementPageTest {

  private static Mono<Void> ship(Message<byte[]> order) {
    return TestChannel.text(order).contains("bad")
        ? Mono.error(new IllegalArgumentException("no such address"))
        : Mono.empty();
  }

  @Test
  void byHand() {
    TestChannel orders = TestChannel.create("orders");
    TestChannel deadLetters = TestChannel.create("dead letters");
    // #region settle
    ErrorPolicy policy = ErrorPolicy.defaults();
    Disposable consumer =
        orders
            .receive(ReceiveOptions.defaults().deadLetters(deadLetters))
            .flatMap(
                delivery ->
                    ship(delivery.message())
                        .thenReturn(Outcome.ack())
                        .onErrorResume(
                            e -> Mono.just(policy.outcomeOf(e, delivery.origin().attempt())))
                        .doOnNext(outcome -> delivery.settlement().settle(outcome)),
                16)
            .subscribe();
    // #endregion
    orders.offer("good", "bad");
    assertThat(orders.outcomes("good")).containsExactly(Outcome.ack());
    assertThat(orders.outcomes("bad"))
        .singleElement()
        .isInstanceOfSatisfying(
            Outcome.Reject.class,
            reject -> assertThat(reject.reason()).isEqualTo(DeadLetterReason.POISON));
    assertThat(deadLetters.sentTexts()).containsExactly("bad");
    consumer.dispose();
  }
}
