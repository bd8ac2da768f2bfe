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

import static dev.sluice.saga.Sagas.saga;
import static dev.sluice.saga.Sagas.sagaStep;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.codec.BytesCodec;
import dev.sluice.codec.StringCodec;
import dev.sluice.flow.Flow;
import dev.sluice.idempotent.ScriptedStore;
import dev.sluice.requestreply.Refused;
import dev.sluice.requestreply.Replier;
import dev.sluice.requestreply.Requester;
import dev.sluice.saga.RemoteStep;
import dev.sluice.saga.SagaParticipant;
import dev.sluice.saga.SagaResult;
import dev.sluice.saga.StepWork;
import dev.sluice.store.IdempotencyStore;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** The code of docs/patterns/messaged-saga.md. */
class MessagedSagaPageTest {

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final TestChannel debits = TestChannel.create("bank.debits");
  private final TestChannel credits = TestChannel.create("bank.credits");
  private final TestChannel acks = TestChannel.create("transfer.acks");
  private final TestChannel dead = TestChannel.create("bank.dead");
  private final IdempotencyStore store = new ScriptedStore(Schedulers.parallel());
  private final StringCodec utf8 = StringCodec.utf8();
  private final List<String> booked = new ArrayList<>();

  // #region work
  private final class Debits implements StepWork<String, String> {
    @Override
    public Mono<String> act(String transfer, String key) {
      return book("debit", transfer, key);
    }

    @Override
    public Mono<String> undo(String transfer, @Nullable String receipt, String key) {
      return book("debit back", transfer, key); // tolerates that there is nothing to undo
    }
  }

  // #endregion

  private final class Credits implements StepWork<String, String> {
    @Override
    public Mono<String> act(String receipt, String key) {
      return Mono.error(new Refused("AccountClosed", "of the receiver"));
    }

    @Override
    public Mono<String> undo(String receipt, @Nullable String output, String key) {
      return book("credit back", receipt, key);
    }
  }

  private Mono<String> book(String what, String transfer, String key) {
    return Mono.fromSupplier(
        () -> {
          booked.add(what + " " + transfer);
          return "receipt of " + transfer;
        });
  }

  @Test
  void aTransfer() {
    // #region participant
    SagaParticipant<String, String> debiting =
        SagaParticipant.of("debit", new Debits(), utf8, store);
    FlowHandle participant =
        Flow.from(debits)
            .deadLetter(dead)
            .decode(utf8)
            .replyWith(debiting.replier(Replier.among(List.of(acks)), s -> s))
            .start();
    // #endregion
    FlowHandle crediting =
        Flow.from(credits)
            .deadLetter(dead)
            .decode(utf8)
            .replyWith(
                SagaParticipant.of("credit", new Credits(), utf8, store)
                    .replier(Replier.among(List.of(acks)), s -> s))
            .start();
    // #region coordinator
    Requester<byte[]> requester =
        Requester.over(acks, BytesCodec.bytes(), s -> s.timeout(Duration.ofSeconds(5)));
    RemoteStep<String, String> debit = RemoteStep.over(requester, debits, utf8, utf8);
    RemoteStep<String, String> credit = RemoteStep.over(requester, credits, utf8, utf8);

    Mono<SagaResult<String>> transferred =
        Mono.just("10 from A to B")
            .transform(sagaStep("debit", debit::perform, s -> s.compensate(debit::undo)))
            .transform(sagaStep("credit", credit::perform, s -> s.compensate(credit::undo)))
            .as(saga("transfer", s -> s));
    // #endregion
    SagaResult<String> result = transferred.block(PATIENCE);
    assertThat(result).isInstanceOf(SagaResult.Compensated.class);
    assertThat(booked).containsExactly("debit 10 from A to B", "debit back 10 from A to B");
    requester.stop(Duration.ZERO).block(PATIENCE);
    participant.stop(Duration.ZERO).block(PATIENCE);
    crediting.stop(Duration.ZERO).block(PATIENCE);
  }
}
