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
package dev.sluice.demo;

import static dev.sluice.demo.Eventually.eventually;

import java.net.URI;
import java.time.Duration;
import java.util.Objects;
import org.springframework.core.ParameterizedTypeReference;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Talks to a running baggage control. */
public final class AirportClient {

  private static final Duration LIMIT = Duration.ofSeconds(30);

  private final String base;
  private final WebClient http;

  /** Talks to the one on this port of 127.0.0.1. */
  public AirportClient(int port) {
    this.base = "http://127.0.0.1:" + port;
    this.http =
        WebClient.builder()
            .baseUrl(base)
            .codecs(codecs -> codecs.defaultCodecs().maxInMemorySize(4 << 20))
            .build();
  }

  /** What came back. */
  public record Answer(int status, JsonNode body) {}

  /** Checks in a bag. */
  Mono<Answer> checkIn(String tag, String flight) {
    return http.post()
        .uri("/api/bags")
        .contentType(MediaType.APPLICATION_JSON)
        .bodyValue("{\"tag\":\"" + tag + "\",\"flight\":\"" + flight + "\"}")
        .exchangeToMono(
            response ->
                response
                    .bodyToMono(String.class)
                    .map(body -> new Answer(response.statusCode().value(), json(body))));
  }

  /** Sends a request without a body. */
  public Answer send(HttpMethod method, String path) {
    return Objects.requireNonNull(
        http.method(method)
            .uri(path)
            .exchangeToMono(
                response ->
                    response
                        .bodyToMono(String.class)
                        .map(body -> new Answer(response.statusCode().value(), json(body))))
            .block(LIMIT));
  }

  /** Posts JSON, or nothing if it is empty. */
  public Answer post(String path, String body) {
    WebClient.RequestBodySpec request =
        http.post().uri(URI.create(base + path)).contentType(MediaType.APPLICATION_JSON);
    return Objects.requireNonNull(
        (body.isEmpty() ? request : request.bodyValue(body))
            .exchangeToMono(
                response ->
                    response
                        .bodyToMono(String.class)
                        .map(answer -> new Answer(response.statusCode().value(), json(answer))))
            .block(LIMIT));
  }

  /** Has dead letters sent back, in the background, as soon as nobody else has that done. */
  public Answer redriveAll(String query) {
    return eventually(
        () -> post("/api/dead-letters/redrive?" + query, ""), answer -> answer.status() != 409);
  }

  /** Waits until those are sent back that {@link #redriveAll} was asked for. */
  void redriven() {
    redriveAll("fingerprint=none");
  }

  /** What is there. */
  public JsonNode get(String path) {
    return send(HttpMethod.GET, path).body();
  }

  /** The frames of the live feed. */
  Flux<JsonNode> frames() {
    return events("frame");
  }

  /** The views of one section of the live feed. */
  Flux<JsonNode> events(String name) {
    return http.get()
        .uri("/api/live")
        .retrieve()
        .bodyToFlux(new ParameterizedTypeReference<ServerSentEvent<String>>() {})
        .filter(event -> name.equals(event.event()))
        .map(event -> json(Objects.requireNonNull(event.data())));
  }

  /** A frame of now. */
  public JsonNode frame() {
    return Objects.requireNonNull(frames().blockFirst(LIMIT));
  }

  private static JsonNode json(String text) {
    return JsonMapper.shared().readTree(text);
  }
}
