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
import java.util.Set;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.stereotype.Component;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;

/**
 * Refuses requests that change something when a page of another origin made the browser send them:
 * there is no login here, so being on the same machine would be all they need. Neither may a page
 * whose name was made to point at this machine. Programs that are no browser pass.
 */
@Component
class SameOrigin implements WebFilter {

  private static final Set<HttpMethod> READING =
      Set.of(HttpMethod.GET, HttpMethod.HEAD, HttpMethod.OPTIONS);
  private static final Set<String> OWN_SITE = Set.of("same-origin", "none");
  private static final Set<String> OWN_HOST = Set.of("localhost", "127.0.0.1", "[::1]", "::1");

  @Override
  public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
    ServerHttpRequest request = exchange.getRequest();
    return READING.contains(request.getMethod()) || (isOwnPage(request) && isOwnHost(request))
        ? chain.filter(exchange)
        : Mono.error(Problem.forbidden("a page of another origin may not change anything here"));
  }

  private static boolean isOwnPage(ServerHttpRequest request) {
    HttpHeaders headers = request.getHeaders();
    String site = headers.getFirst("Sec-Fetch-Site");
    if (site != null) {
      return OWN_SITE.contains(site);
    }
    String origin = headers.getOrigin();
    return origin == null || origin.equals("http://" + headers.getFirst(HttpHeaders.HOST));
  }

  /** A request over the loopback address must have been meant for it. */
  private static boolean isOwnHost(ServerHttpRequest request) {
    InetSocketAddress local = request.getLocalAddress();
    InetSocketAddress meant = request.getHeaders().getHost();
    return local == null
        || !local.getAddress().isLoopbackAddress()
        || meant == null
        || OWN_HOST.contains(meant.getHostString());
  }
}
