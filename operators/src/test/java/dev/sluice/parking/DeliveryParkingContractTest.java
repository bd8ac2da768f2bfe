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
package dev.sluice.parking;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.contract.OperatorContract;
import dev.sluice.contract.UserCode;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Outcome.Release.Why;
import dev.sluice.retry.Probe;
import dev.sluice.test.LeakCheck;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Flux;

/**
 * The contract of operators, for parking whose subscriber acknowledges what it receives: beyond the
 * fate of each delivery, whatever happens, it is decided once.
 */
@ExtendWith(LeakCheck.class)
class DeliveryParkingContractTest extends OperatorContract<Delivery<byte[]>, Delivery<byte[]>> {

  private final Map<String, Probe> probes = new ConcurrentHashMap<>();

  @Override
  protected Delivery<byte[]> element(int n) {
    Probe probe = new Probe("abc".charAt(n % 3) + "-" + n);
    probes.put(probe.toString(), probe);
    return probe.delivery();
  }

  @Override
  protected Object identity(Object item) {
    return text(item);
  }

  @SuppressWarnings("unchecked")
  private static String text(Object item) {
    return item instanceof Arrival arrival
        ? Probe.text(arrival.delivery)
        : Probe.text((Delivery<byte[]>) item);
  }

  @Override
  protected Flux<Delivery<byte[]>> assemble(List<Flux<Delivery<byte[]>>> sources, UserCode user) {
    return sources
        .get(0)
        .transform(Parking.ofDeliveries(new OpenLot(), p -> p.timer(user.timer())).window(3));
  }

  @Override
  protected void received(Delivery<byte[]> output) {
    output.settlement().settle(Outcome.ack());
  }

  @Override
  protected void dropped(Object item) {
    ((Delivery<?>) item).settlement().settle(Outcome.release(Why.CANCELLED));
  }

  @Override
  protected void ended(List<Delivery<byte[]>> entered) {
    for (Delivery<byte[]> delivery : entered) {
      Probe probe = probes.get(text(delivery));
      assertThat(probe.decided).as("decisions about %s", probe).hasSize(1);
    }
  }
}
