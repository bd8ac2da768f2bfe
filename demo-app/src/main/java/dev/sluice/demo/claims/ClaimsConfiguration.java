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
package dev.sluice.demo.claims;

import dev.sluice.demo.ledger.Ledger;
import dev.sluice.http.AsyncOperations;
import dev.sluice.http.WebFluxOperations;
import dev.sluice.postgres.PostgresDatabase;
import dev.sluice.postgres.PostgresOperationStore;
import java.time.Clock;
import java.time.Duration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;
import tools.jackson.databind.json.JsonMapper;

/**
 * Puts claims together. A claim is answered with 202 when PostgreSQL has it; its status tells how
 * far the search is, and then leads to the case.
 */
@Configuration(proxyBeanMethods = false)
class ClaimsConfiguration {

  private static final String CLAIMS = "/api/claims";
  private static final int MAX_BODY = 1_024;
  private static final Duration LEASE = Duration.ofSeconds(5);
  private static final Duration RETENTION = Duration.ofDays(1);
  private static final Duration REMEMBERED = Duration.ofDays(7);

  /** There is no login: whoever is on this machine is the same caller. */
  private static final Mono<String> ANYBODY = Mono.just("airport");

  @Bean
  AsyncOperations lostBagClaims(
      PostgresDatabase database,
      Ledger ledger,
      JsonMapper json,
      ClaimsProperties properties,
      Clock clock) {
    BagSearch search = new BagSearch(ledger, json, properties.placeTakes(), clock);
    return AsyncOperations.create(
        "lost-bags",
        PostgresOperationStore.create(database),
        search::search,
        s ->
            s.submitAt(CLAIMS)
                .statusAt("/api/operations")
                .maxBody(MAX_BODY)
                .admission(ClaimRequest::check)
                .lease(LEASE)
                .retention(RETENTION, REMEMBERED));
  }

  @Bean
  ClaimsOffice claimsOffice(AsyncOperations lostBagClaims) {
    return new ClaimsOffice(lostBagClaims);
  }

  @Bean
  RouterFunction<ServerResponse> claimsRouter(AsyncOperations lostBagClaims) {
    return WebFluxOperations.router(lostBagClaims, request -> ANYBODY);
  }
}
