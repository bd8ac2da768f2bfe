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
package dev.sluice.demo.security;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.demo.problem.Problem;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.http.HttpMethod;
import org.springframework.mock.http.server.reactive.MockServerHttpRequest;
import org.springframework.mock.web.server.MockServerWebExchange;
import reactor.core.publisher.Mono;

class AdministratorsTest {

  private static final InetSocketAddress HERE = new InetSocketAddress("127.0.0.1", 4000);
  private static final InetSocketAddress AWAY = new InetSocketAddress("192.0.2.1", 4000);

  private static boolean passes(
      String token, InetSocketAddress from, HttpMethod method, String path, String... bearer) {
    MockServerHttpRequest.BodyBuilder request =
        MockServerHttpRequest.method(method, path).remoteAddress(from);
    for (String known : bearer) {
      request.header("Authorization", "Bearer " + known);
    }
    AtomicBoolean passed = new AtomicBoolean();
    new Administrators(token)
        .filter(
            MockServerWebExchange.from(request.build()),
            exchange -> Mono.fromRunnable(() -> passed.set(true)))
        .onErrorComplete(Problem.class)
        .block();
    return passed.get();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/api/chaos/stop-broker",
        "/api;x=1/chaos/stop-broker",
        "/api/dead-letters/redrive",
        "/api/dead-letters/7/redrive",
        "/api/convoys/B6108-2013-07-08/release",
        "/api/sagas/7/skip",
        "/api/arrivals/participants/belt",
        "/api/carousels/routes/B6",
        "/actuator/sluice/bag-loading"
      })
  void areOnThisMachineOrKnowTheToken(String path) {
    assertThat(passes("", HERE, HttpMethod.POST, path)).isTrue();
    assertThat(passes("", AWAY, HttpMethod.POST, path)).isFalse();
    assertThat(passes("", AWAY, HttpMethod.POST, path, "")).isFalse();
    assertThat(passes("secret", AWAY, HttpMethod.POST, path, "secret")).isTrue();
    assertThat(passes("secret", AWAY, HttpMethod.POST, path, "guess")).isFalse();
    assertThat(passes("secret", AWAY, HttpMethod.POST, path)).isFalse();
    assertThat(passes("secret", HERE, HttpMethod.POST, path)).isFalse();
  }

  @Test
  void areNotNeededToLookOrToCheckIn() {
    assertThat(passes("", AWAY, HttpMethod.GET, "/api/chaos")).isTrue();
    assertThat(passes("", AWAY, HttpMethod.POST, "/api/bags")).isTrue();
  }
}
