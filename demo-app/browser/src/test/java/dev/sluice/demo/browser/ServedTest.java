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
package dev.sluice.demo.browser;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * The server, as browsers use it: one request after the other by each of six clients, on whatever
 * connections they are given. On kept ones some versions of Reactor Netty leave every thirtieth of
 * these without an answer, because files come out of a jar.
 */
@InBrowser
class ServedTest {

  private static final int CLIENTS = 6;
  private static final int REQUESTS = 100;

  private static final List<String> ASKED =
      List.of("airport.css", "api/load", "page/kit.js", "sections/tour.js");

  @Test
  void answersEverything(Airport airport) {
    List<CompletableFuture<Void>> clients =
        IntStream.range(0, CLIENTS)
            .mapToObj(
                i ->
                    ask(
                        HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build(),
                        airport,
                        i,
                        i + REQUESTS))
            .toList();

    clients.forEach(CompletableFuture::join);
  }

  private static CompletableFuture<Void> ask(HttpClient client, Airport airport, int from, int to) {
    if (from == to) {
      return CompletableFuture.completedFuture(null);
    }
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(airport.address(ASKED.get(from % ASKED.size()))))
            .timeout(Airport.LIMIT)
            .build();
    return client
        .sendAsync(request, HttpResponse.BodyHandlers.ofString())
        .thenCompose(
            answer -> {
              assertThat(answer.statusCode()).isEqualTo(200);
              return ask(client, airport, from + 1, to);
            });
  }
}
