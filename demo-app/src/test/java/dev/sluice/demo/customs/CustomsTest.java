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
package dev.sluice.demo.customs;

import static dev.sluice.demo.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.demo.RunningAirport;
import dev.sluice.demo.ledger.Ledger;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.test.web.reactive.server.WebTestClient;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** X-ray images and customs over HTTP: images in S3, questions and answers over PostgreSQL. */
@ExtendWith(RunningAirport.class)
class CustomsTest {

  private static final AtomicInteger TAGS = new AtomicInteger();

  private WebTestClient web;
  private CustomsDesk desk;

  @BeforeEach
  void connect() {
    desk = RunningAirport.bean(CustomsDesk.class);
    web =
        WebTestClient.bindToServer()
            .baseUrl("http://127.0.0.1:" + RunningAirport.port())
            .responseTimeout(Duration.ofSeconds(30))
            .codecs(codecs -> codecs.defaultCodecs().maxInMemorySize(8 << 20))
            .build();
  }

  @AfterEach
  void hurry() {
    slow(false);
  }

  private void slow(boolean on) {
    web.post()
        .uri("/api/chaos/slow-customs?on=" + on)
        .exchange()
        .expectStatus()
        .isOk()
        .expectBody();
  }

  /** A bag that is checked in; customs opens none whose tag ends in 0. */
  private String bag(char end) {
    String tag = String.format("96%07d", TAGS.incrementAndGet()) + end;
    web.post()
        .uri("/api/bags")
        .contentType(MediaType.APPLICATION_JSON)
        .bodyValue("{\"tag\":\"" + tag + "\",\"flight\":\"B6 108\"}")
        .exchange()
        .expectStatus()
        .isCreated()
        .expectBody();
    Ledger ledger = RunningAirport.bean(Ledger.class);
    eventually(() -> ledger.find(tag), found -> found != null);
    return tag;
  }

  private static byte[] image(int size) {
    byte[] image = new byte[size];
    new Random(size).nextBytes(image);
    System.arraycopy(
        new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, 0, image, 0, 8);
    return image;
  }

  private WebTestClient.ResponseSpec upload(String tag, byte[] image) {
    return web.post()
        .uri("/api/bags/" + tag + "/xray")
        .contentType(MediaType.IMAGE_PNG)
        .bodyValue(image)
        .exchange();
  }

  private WebTestClient.ResponseSpec check(String tag) {
    return web.post().uri("/api/bags/" + tag + "/customs").exchange();
  }

  /** What customs says: asked again, as people do, when a busy machine is later than they wait. */
  private JsonNode verdict(String tag) {
    return JsonMapper.shared()
        .readTree(
            eventually(
                    () -> check(tag).expectBody(String.class).returnResult(),
                    answer -> answer.getStatus() == HttpStatus.OK)
                .getResponseBody());
  }

  @Test
  void looksAtTheImageThatTheQuestionCarriesAClaimOf() {
    String tag = bag('7');
    byte[] image = image(6 << 20);

    upload(tag, image)
        .expectStatus()
        .isCreated()
        .expectHeader()
        .location("/api/bags/" + tag + "/xray")
        .expectBody()
        .isEmpty();

    JsonNode verdict = verdict(tag);
    assertThat(verdict.path("cleared").asBoolean()).isFalse();
    assertThat(verdict.path("imageBytes").asInt()).isEqualTo(image.length);
    web.get()
        .uri("/api/bags/" + tag + "/xray")
        .exchange()
        .expectStatus()
        .isOk()
        .expectHeader()
        .contentType(MediaType.IMAGE_PNG)
        .expectBody()
        .consumeWith(found -> assertThat(found.getResponseBody()).isEqualTo(image));
    // The first image stays.
    upload(tag, image(100)).expectStatus().isOk().expectBody();
    assertThat(verdict(tag).path("imageBytes").asInt()).isEqualTo(image.length);
    assertThat(desk.view().last().get(0).tag()).isEqualTo(tag);
  }

  @Test
  void looksWithoutAnImageToo() {
    JsonNode verdict = verdict(bag('0'));
    assertThat(verdict.path("cleared").asBoolean()).isTrue();
    assertThat(verdict.path("imageBytes").asInt(-1)).isZero();
  }

  @Test
  void countsTheAnswersForWhichNobodyWaited() {
    slow(true);
    long late = desk.view().late();

    check(bag('0'))
        .expectStatus()
        .isEqualTo(HttpStatus.GATEWAY_TIMEOUT)
        .expectHeader()
        .contentType(MediaType.APPLICATION_PROBLEM_JSON)
        .expectBody();

    assertThat(desk.view().last().get(0).verdict()).isNull();
    eventually(() -> desk.view().late(), count -> count == late + 1);
    eventually(() -> desk.view().pending(), questions -> questions == 0);
  }

  @Test
  void takesImagesOnlyAndOfBagsThatAreThere() {
    String tag = bag('0');

    upload(tag, "<svg onload=alert(1)>".getBytes(StandardCharsets.UTF_8))
        .expectStatus()
        .isEqualTo(422)
        .expectHeader()
        .contentType(MediaType.APPLICATION_PROBLEM_JSON)
        .expectBody()
        .jsonPath("$.errors[0].field")
        .isEqualTo("body");
    web.post()
        .uri("/api/bags/" + tag + "/xray")
        .contentType(MediaType.TEXT_HTML)
        .bodyValue("x")
        .exchange()
        .expectStatus()
        .isEqualTo(415)
        .expectBody();
    upload("9699999999", image(100)).expectStatus().isNotFound().expectBody();
    upload("nonsense", image(100)).expectStatus().isNotFound().expectBody();
    check("9699999999").expectStatus().isNotFound().expectBody();
    web.get().uri("/api/bags/" + tag + "/xray").exchange().expectStatus().isNotFound().expectBody();
    // What was refused does not stand in the way of what is right.
    upload(tag, image(100)).expectStatus().isCreated().expectBody();
  }

  @Test
  void takesNoMoreThanTwentyMegabytes() {
    upload(bag('0'), image((20 << 20) + 1))
        .expectStatus()
        .isEqualTo(HttpStatus.CONTENT_TOO_LARGE)
        .expectBody();
  }
}
