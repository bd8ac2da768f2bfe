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
package dev.sluice.memory;

import dev.sluice.channel.ReceiveOptions;
import dev.sluice.convoy.GroupVerdict;
import dev.sluice.convoy.GroupedConvoy;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.SettlementCore;
import dev.sluice.message.Message;
import dev.sluice.parking.DeliveryParking;
import dev.sluice.parking.Parking;
import dev.sluice.store.ParkingLot;
import dev.sluice.test.LeakCheck;
import dev.sluice.test.marble.MarbleScript;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** What the diagram shows is what happens. */
@ExtendWith(LeakCheck.class)
class ParkingMarbleTest {

  private static final Path SCRIPT =
      Path.of("../../operators/src/main/java/dev/sluice/parking/doc-files/parking.marble");

  /** One that takes effect at once. */
  private static final class Member extends SettlementCore {
    @Override
    protected void onDecided(Outcome outcome) {
      markDurable();
    }
  }

  private static Delivery<byte[]> delivery(String order) {
    return new Delivery<>(
        Message.of(order.getBytes(StandardCharsets.UTF_8)).withGroup(order.substring(0, 1)),
        new Member(),
        new Origin("orders", order, 1, Instant.EPOCH, 1));
  }

  private static Flux<String> parking(Flux<String> orders, Flux<String> release) {
    ParkingLot lot = MemoryParkingLot.create(100);
    DeliveryParking parking =
        Parking.ofDeliveries(lot, p -> p.pollInterval(Duration.ofMillis(2))).flow("marbles");
    AtomicBoolean broken = new AtomicBoolean(true);
    Sinks.One<Duration> stop = Sinks.one();
    Flux<Delivery<byte[]>> arriving =
        orders
            .map(ParkingMarbleTest::delivery)
            .doOnComplete(() -> stop.tryEmitValue(Duration.ZERO));
    Flux<Delivery<byte[]>> releasing =
        release
            .concatMap(order -> lot.release("marbles", order.substring(0, 1)))
            .thenMany(Flux.empty());
    return Flux.merge(
            arriving, releasing, parking.released(ReceiveOptions.defaults().stop(stop.asMono())))
        .transform(parking)
        .transform(
            GroupedConvoy.<byte[], byte[]>ofDeliveries(
                    Message::group,
                    order -> work(order, broken),
                    c -> c.onFailure(f -> f.then(GroupVerdict.PARK_GROUP)))
                .onError(ErrorPolicy.defaults().retries(0)))
        .map(ParkingMarbleTest::draw);
  }

  private static Mono<byte[]> work(byte[] order, AtomicBoolean broken) {
    return Mono.delay(Duration.ofMillis(1))
        .map(
            time -> {
              boolean isFirst = order[0] == 'a' && order[1] == '1';
              if (isFirst && broken.getAndSet(false)) {
                throw new IllegalStateException("broken");
              }
              return order;
            });
  }

  private static String draw(Delivery<byte[]> receipt) {
    receipt.settlement().settle(Outcome.ack());
    return new String(receipt.message().payload(), StandardCharsets.UTF_8);
  }

  @Test
  void parksAGroupUntilItIsReleased() {
    MarbleScript.load(SCRIPT).verify(in -> parking(in.get("orders"), in.get("release")));
  }

  @Test
  void thePictureIsFresh() {
    MarbleScript.verifyPicture(SCRIPT);
  }
}
