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
package dev.sluice.retry;

import dev.sluice.convoy.GroupedConvoy;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import dev.sluice.test.marble.MarbleScript;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What the diagram shows is what happens. */
@ExtendWith(LeakCheck.class)
class RetryMarbleTest {

  private static final Path SCRIPT =
      Path.of("src/main/java/dev/sluice/retry/doc-files/retry.marble");

  private static Flux<String> retrying(Flux<String> orders) {
    DeliveryRetry retry =
        Retrying.ofDeliveries(
            ErrorPolicy.defaults(),
            r ->
                r.backoff(1, Duration.ofMillis(3), Duration.ofMillis(3))
                    .jitter(0)
                    .delayed(1, Duration.ofMillis(9)));
    AtomicInteger failures = new AtomicInteger(2);
    return orders
        .map(order -> new Probe(order).delivery())
        .transform(retry)
        .transform(
            GroupedConvoy.<byte[], byte[]>ofDeliveries(
                    Message::group, order -> work(order, failures), c -> c)
                .onError(retry.policy()))
        .map(RetryMarbleTest::draw);
  }

  private static Mono<byte[]> work(byte[] order, AtomicInteger failures) {
    return Mono.delay(Duration.ofMillis(2))
        .map(
            time -> {
              boolean isFirst = order[1] == '1' && order[0] == 'a';
              if (isFirst && failures.getAndDecrement() > 0) {
                throw new IllegalStateException("not yet");
              }
              return order;
            });
  }

  private static String draw(Delivery<byte[]> receipt) {
    receipt.settlement().settle(Outcome.ack());
    return new String(receipt.message().payload(), StandardCharsets.UTF_8);
  }

  @Test
  void triesAgainInPlaceAndThenLater() {
    MarbleScript.load(SCRIPT).verify(in -> retrying(in.get("orders")));
  }

  @Test
  void thePictureIsFresh() {
    MarbleScript.verifyPicture(SCRIPT);
  }
}
