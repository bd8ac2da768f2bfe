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
package dev.sluice.demo.legacy;

import static dev.sluice.demo.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.bridge.BridgeHealth.State;
import dev.sluice.demo.RunningAirport;
import dev.sluice.demo.legacy.LegacyLink.View;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.test.web.reactive.server.WebTestClient;

/** The bridges to the legacy system over HTTP, between Kafka and PostgreSQL. */
@ExtendWith(RunningAirport.class)
class LegacyTest {

  private WebTestClient web;
  private LegacyLink link;

  @BeforeEach
  void connect() {
    web =
        WebTestClient.bindToServer()
            .baseUrl("http://127.0.0.1:" + RunningAirport.port())
            .responseTimeout(Duration.ofSeconds(30))
            .build();
    link = RunningAirport.bean(LegacyLink.class);
  }

  @AfterEach
  void mend() {
    post("resume").expectStatus().isOk().expectBody();
  }

  private WebTestClient.ResponseSpec post(String what) {
    return web.post().uri("/api/bridge/" + what).exchange();
  }

  private void announce(int bags) {
    post("announcements?bags=" + bags).expectStatus().isAccepted().expectBody().isEmpty();
  }

  /**
   * Each bag has crossed, its answer too; the legacy system has repeated it, and it went no
   * further.
   */
  private void awaitAnswers(View before, int bags) {
    View after =
        eventually(
            link::view,
            now ->
                now.heard() == before.heard() + bags
                    && echoes(now) == echoes(before) + bags
                    && crossed(now, 0) >= crossed(before, 0) + bags
                    && crossed(now, 1) >= crossed(before, 1) + bags
                    && now.bridges().stream().allMatch(light -> light.state() == State.UP));
    for (int i = 0; i < 2; i++) {
      assertThat(crossed(after, i)).isEqualTo(crossed(before, i) + bags);
      assertThat(after.bridges().get(i).rejected()).isEqualTo(before.bridges().get(i).rejected());
    }
    assertThat(after.lines()).isNotEmpty().allMatch(line -> line.startsWith("BPM"));
  }

  /** What has crossed is counted when its receipt is back, which may be later than an echo. */
  private static long crossed(View view, int bridge) {
    return view.bridges().get(bridge).crossed();
  }

  private static long echoes(View view) {
    return view.bridges().get(0).echoes();
  }

  @Test
  void bagsCrossAndAnswersComeBackAndNothingGoesRound() {
    View before = link.view();
    announce(10);
    awaitAnswers(before, 10);
    web.get()
        .uri("/api/bridge")
        .exchange()
        .expectStatus()
        .isOk()
        .expectBody()
        .jsonPath("$.cut")
        .isEqualTo(false)
        .jsonPath("$.bridges[0].name")
        .isEqualTo("legacy-to-airport")
        .jsonPath("$.bridges[0].state")
        .isEqualTo("UP");
  }

  @Test
  void theyWaitWhileTheWiresAreCut() {
    View before = link.view();
    post("outage").expectStatus().isOk().expectBody().jsonPath("$.cut").isEqualTo(true);
    announce(5);
    eventually(
        link::view,
        now ->
            now.bridges().get(0).state() == State.TARGET_AWAY
                && now.bridges().get(0).lastError() != null);
    assertThat(link.view().heard()).isEqualTo(before.heard());
    post("resume").expectStatus().isOk().expectBody().jsonPath("$.cut").isEqualTo(false);
    awaitAnswers(before, 5);
  }

  @Test
  void theyWaitWhileItIsPaused() {
    View before = link.view();
    post("pause").expectStatus().isOk().expectBody().jsonPath("$.paused").isEqualTo(true);
    announce(3);
    assertThat(link.view().bridges().get(0).state()).isEqualTo(State.PAUSED);
    post("resume").expectStatus().isOk().expectBody();
    awaitAnswers(before, 3);
  }

  @Test
  void noMoreThanAHundredAtOnce() {
    post("announcements?bags=101")
        .expectStatus()
        .isBadRequest()
        .expectBody()
        .jsonPath("$.errors[0].field")
        .isEqualTo("bags");
  }
}
