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

import static dev.sluice.idempotent.Idempotent.idempotent;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Outbound;
import dev.sluice.codec.StringCodec;
import dev.sluice.flow.Flow;
import dev.sluice.idempotent.Idempotent;
import dev.sluice.idempotent.ScriptedStore;
import dev.sluice.message.Message;
import dev.sluice.requestreply.Replier;
import dev.sluice.requestreply.Requester;
import dev.sluice.store.IdempotencyStore;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

/** The code of docs/patterns/request-reply.md. */
class RequestReplyPageTest {

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final TestChannel checks = TestChannel.create("customs.checks");
  private final TestChannel myReplies = TestChannel.create("customs.replies");
  private final TestChannel dead = TestChannel.create("customs.dead");
  private final IdempotencyStore store = new ScriptedStore(Schedulers.parallel());
  private final List<String> inspected = new ArrayList<>();

  private Mono<String> inspect(String bag) {
    return Mono.fromSupplier(
        () -> {
          inspected.add(bag);
          return bag + " may pass";
        });
  }

  private FlowHandle desk() {
    // #region replier
    FlowHandle desk =
        Flow.from(checks)
            .deadLetter(dead) // requests that have expired, or say no known place for the reply
            .decode(StringCodec.utf8())
            .replyWith(
                Replier.replier(
                    Replier.among(List.of(myReplies)), // where replies may go
                    StringCodec.utf8(),
                    bag -> inspect(bag), // a Mono: one reply; a Flux: many, and an end
                    s -> s.concurrency(16)))
            .start();
    // #endregion
    return desk;
  }

  @Test
  void asked() {
    FlowHandle desk = desk();
    Outbound<String> customs = Outbound.encoding(StringCodec.utf8(), checks);
    // #region requester
    Requester<String> requester =
        Requester.over(
            myReplies, StringCodec.utf8(), s -> s.timeout(Duration.ofSeconds(5)).maxPending(1_000));

    Mono<String> verdict = requester.request(customs, Message.of("bag 7"));
    Flux<String> findings = requester.stream(customs, Message.of("bag 8"));
    // #endregion
    StepVerifier.create(verdict).expectNext("bag 7 may pass").verifyComplete();
    StepVerifier.create(findings).expectNext("bag 8 may pass").verifyComplete();
    requester.stop(Duration.ZERO).block(PATIENCE);
    desk.stop(Duration.ZERO).block(PATIENCE);
  }

  @Test
  void once() {
    // #region once
    Idempotent<Message<String>, String> inspection =
        idempotent(
                "inspection",
                (Message<String> request) -> request.id(),
                store,
                request -> inspect(request.payload()))
            .replaying(StringCodec.utf8());
    Replier<String, String> replier =
        Replier.ofMessages(
            Replier.among(List.of(myReplies)), StringCodec.utf8(), inspection::run, s -> s);
    // #endregion
    FlowHandle desk =
        Flow.from(checks).deadLetter(dead).decode(StringCodec.utf8()).replyWith(replier).start();
    Requester<String> requester = Requester.over(myReplies, StringCodec.utf8(), s -> s);
    Outbound<String> customs = Outbound.encoding(StringCodec.utf8(), checks);
    Mono<String> verdict = requester.request(customs, Message.of("bag 7"));
    assertThat(verdict.block(PATIENCE)).isEqualTo("bag 7 may pass");
    assertThat(verdict.block(PATIENCE)).isEqualTo("bag 7 may pass"); // the same request again
    assertThat(inspected).containsExactly("bag 7");
    requester.stop(Duration.ZERO).block(PATIENCE);
    desk.stop(PATIENCE).block(PATIENCE);
  }
}
