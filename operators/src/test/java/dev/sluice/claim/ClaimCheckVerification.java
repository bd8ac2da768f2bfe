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
package dev.sluice.claim;

import static dev.sluice.claim.ClaimCheck.claimCheck;
import static dev.sluice.claim.ClaimCheck.redeem;

import dev.sluice.message.Message;
import java.time.Duration;
import org.reactivestreams.Publisher;
import org.reactivestreams.tck.PublisherVerification;
import org.reactivestreams.tck.TestEnvironment;
import org.testng.annotations.Test;
import reactor.core.publisher.Flux;

/** The rules of Reactive Streams for publishers: there and back, half of the payloads stored. */
@Test
public class ClaimCheckVerification extends PublisherVerification<Message<byte[]>> {

  private static final Keyring KEYS = ClaimFixture.keyring();

  public ClaimCheckVerification() {
    super(new TestEnvironment(500));
  }

  @Override
  public long maxElementsFromPublisher() {
    return 1000;
  }

  @Override
  public Publisher<Message<byte[]>> createPublisher(long elements) {
    return thereAndBack(
        Flux.range(0, (int) elements).map(i -> Message.of(new byte[i % 2 == 0 ? 1 : 200])));
  }

  @Override
  public Publisher<Message<byte[]>> createFailedPublisher() {
    return thereAndBack(Flux.error(new IllegalStateException("failed")));
  }

  private static Flux<Message<byte[]>> thereAndBack(Flux<Message<byte[]>> source) {
    Shelf shelf = new Shelf("store").putsTake(Duration.ofMillis(1));
    return source
        .transform(claimCheck(shelf, KEYS, c -> c.threshold(100).concurrency(8)))
        .transform(redeem(shelf, KEYS, r -> r));
  }
}
