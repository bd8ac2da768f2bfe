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

import static dev.sluice.claim.ClaimCheck.claimCheck;
import static dev.sluice.claim.ClaimCheck.redeem;

import dev.sluice.channel.FlowHandle;
import dev.sluice.claim.Keyring;
import dev.sluice.claim.TestShelf;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import dev.sluice.test.TestChannel;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** The code of docs/patterns/claim-check.md. */
class ClaimCheckPageTest {

  private final byte[] secret = new byte[32];
  private final TestShelf images = new TestShelf("images");
  private final List<Integer> seen = new ArrayList<>();

  private Mono<Void> inspect(Flux<ByteBuffer> image) {
    return image.map(ByteBuffer::remaining).reduce(0, Integer::sum).doOnNext(seen::add).then();
  }

  @Test
  void thereAndBack() {
    Flux<Message<byte[]>> xrays = Flux.just(Message.of(new byte[3_000_000]));
    // #region plain
    Keyring keys = Keyring.of("2026-11", secret); // 32 random bytes or more

    Flux<Message<byte[]>> small =
        xrays.transform(
            claimCheck(
                images, // a PayloadStore
                keys,
                c -> c.threshold(256 * 1024).ttl(Duration.ofDays(30)).audience("customs")));

    Flux<Message<byte[]>> large = small.transform(redeem(images, keys, r -> r.audience("customs")));
    // #endregion
    StepVerifier.create(large.map(message -> message.payload().length))
        .expectNext(3_000_000)
        .verifyComplete();
  }

  @Test
  void compressedAndEncrypted() {
    Keyring keys = Keyring.of("2026-11", secret);
    byte[] other = "another secret of 32 bytes long.".getBytes(StandardCharsets.US_ASCII);
    Flux<Message<byte[]>> manifests = Flux.just(Message.of(new byte[3_000_000]));
    // #region coded
    Keyring secrets = Keyring.of("store-2026-11", other); // not those of the claims

    Flux<Message<byte[]>> small =
        manifests.transform(claimCheck(images, keys, c -> c.compress().encrypt(secrets)));

    Flux<Message<byte[]>> large = small.transform(redeem(images, keys, r -> r.decrypt(secrets)));
    // #endregion
    StepVerifier.create(large.map(message -> message.payload().length))
        .expectNext(3_000_000)
        .expectComplete()
        .verify(Duration.ofSeconds(30));
    Assertions.assertThat(images.payloads().values())
        .singleElement()
        .satisfies(stored -> Assertions.assertThat(stored.length).isLessThan(100_000));
  }

  @Test
  void inFlows() {
    Keyring keys = Keyring.of("2026-11", secret);
    TestChannel scans = TestChannel.create("scans");
    TestChannel customs = TestChannel.create("customs");
    TestChannel deadLetters = TestChannel.create("dead");
    // #region flow
    FlowHandle sending =
        Flow.from(scans)
            .claimCheck(images, keys, c -> c.audience("customs"))
            .to(customs) // a payload whose message was certainly not sent is deleted
            .start();

    FlowHandle receiving =
        Flow.from(customs)
            .redeemLazily(images, keys, r -> r.audience("customs").deleteOnAck())
            .groupedConvoy(Message::group, image -> inspect(image.content()))
            .deadLetter(deadLetters)
            .start();
    // #endregion
    scans.offer(Message.of(new byte[3_000_000]).withGroup("bag-1"));
    Assertions.assertThat(seen).containsExactly(3_000_000);
    Assertions.assertThat(images.payloads()).isEmpty();
    sending.stop(Duration.ZERO).block();
    receiving.stop(Duration.ZERO).block();
  }
}
