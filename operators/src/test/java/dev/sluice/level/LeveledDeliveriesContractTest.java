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
package dev.sluice.level;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.contract.OperatorContract;
import dev.sluice.contract.UserCode;
import dev.sluice.convoy.ConvoyListener;
import dev.sluice.convoy.Probe;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Outcome.Release.Why;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Flux;

/**
 * The contract of operators, for load leveling of deliveries, whose subscriber acknowledges what it
 * receives: beyond the fate of each delivery, whatever happens, it is decided once.
 */
@ExtendWith(LeakCheck.class)
class LeveledDeliveriesContractTest extends OperatorContract<Delivery<String>, Delivery<String>> {

  private final Map<String, Probe> probes = new ConcurrentHashMap<>();

  @Override
  protected Delivery<String> element(int n) {
    Probe probe = Probe.of("abc".charAt(n % 3) + "-" + n);
    probes.put(probe.toString(), probe);
    return probe.delivery();
  }

  @Override
  protected Object identity(Object item) {
    return item instanceof Delivery<?> delivery ? delivery.message().payload() : item;
  }

  @Override
  protected Flux<Delivery<String>> assemble(List<Flux<Delivery<String>>> sources, UserCode user) {
    return sources
        .get(0)
        .transform(
            LoadLeveling.<String, String>ofDeliveries(
                e -> user.publish("worker", e, values(e)),
                c ->
                    c.rate(1, Duration.ofMillis(1), 3)
                        .breaker(CircuitBreaker.of("service", CircuitBreakerConfig.ofDefaults()))
                        .concurrency(2)
                        .capacity(2)
                        .onFailure(f -> f.retry(0, Duration.ZERO))
                        .timer(user.timer())
                        .listener(
                            new ConvoyListener<>() {
                              @Override
                              public void deadLettered(Message<String> m, Throwable error) {
                                user.report(error);
                              }
                            })));
  }

  @Override
  protected void received(Delivery<String> output) {
    output.settlement().settle(Outcome.ack());
  }

  @Override
  protected void dropped(Object item) {
    ((Delivery<?>) item).settlement().settle(Outcome.release(Why.CANCELLED));
  }

  @Override
  protected void ended(List<Delivery<String>> entered) {
    for (Delivery<String> delivery : entered) {
      Probe probe = probes.get(delivery.message().payload());
      assertThat(probe.decided).as("decisions about %s", probe).hasSize(1);
    }
  }

  /** One, none or two: with less than two the worker may be a scalar. */
  private static String[] values(String element) {
    return switch (element.charAt(element.length() - 1) % 3) {
      case 0 -> new String[] {element + ", only"};
      case 1 -> new String[] {};
      default -> new String[] {element + ", first", element + ", second"};
    };
  }
}
