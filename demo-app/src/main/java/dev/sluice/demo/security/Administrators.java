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

import dev.sluice.demo.problem.Problem;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.stream.Stream;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.server.PathContainer;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.stereotype.Component;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import org.springframework.web.util.pattern.PathPattern;
import org.springframework.web.util.pattern.PathPatternParser;
import reactor.core.publisher.Mono;

/**
 * Lets only those break, redrive, release and stop things who are on this machine, or who know the
 * token. A proxy on this machine hides who is not: behind one, take the token.
 */
@Component
class Administrators implements WebFilter {

  /** Matched as handlers are, so that nobody gets around it by writing a path in another way. */
  private static final List<PathPattern> PLACES =
      Stream.of(
              "/api/bridge",
              "/api/chaos",
              "/api/dead-letters",
              "/api/convoys",
              "/api/sagas",
              "/api/rebookings/faults",
              "/api/quotes/airlines",
              "/api/turnarounds/crews",
              "/api/arrivals/participants",
              "/api/carousels/routes",
              "/api/pipeline",
              "/api/screens",
              "/actuator")
          .map(place -> PathPatternParser.defaultInstance.parse(place + "/**"))
          .toList();

  private final byte[] token;

  Administrators(@Value("${demo.admin-token:}") String token) {
    this.token = token.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
    ServerHttpRequest request = exchange.getRequest();
    return HttpMethod.GET.equals(request.getMethod()) || !isTheirs(request) || isOne(request)
        ? chain.filter(exchange)
        : Mono.error(
            Problem.forbidden(
                "only from this machine, or with \"Authorization: Bearer\" and the token of"
                    + " demo.admin-token"));
  }

  private static boolean isTheirs(ServerHttpRequest request) {
    PathContainer path = request.getPath().pathWithinApplication();
    return PLACES.stream().anyMatch(place -> place.matches(path));
  }

  private boolean isOne(ServerHttpRequest request) {
    if (token.length > 0) {
      return knowsTheToken(request);
    }
    InetSocketAddress remote = request.getRemoteAddress();
    return remote != null && remote.getAddress() != null && remote.getAddress().isLoopbackAddress();
  }

  private boolean knowsTheToken(ServerHttpRequest request) {
    String given = request.getHeaders().getFirst(HttpHeaders.AUTHORIZATION);
    return given != null
        && given.startsWith("Bearer ")
        && MessageDigest.isEqual(
            given.substring("Bearer ".length()).getBytes(StandardCharsets.UTF_8), token);
  }
}
