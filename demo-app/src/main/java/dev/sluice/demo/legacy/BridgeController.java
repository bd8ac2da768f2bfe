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

import dev.sluice.demo.legacy.LegacyLink.View;
import dev.sluice.demo.problem.FieldError;
import dev.sluice.demo.problem.Problem;
import java.util.List;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** Shows the bridges to the legacy system, and has its switches. */
@RestController
@RequestMapping("/api/bridge")
class BridgeController {

  private static final int MAX_BAGS = 100;

  private final LegacyLink link;
  private final LegacyHost host;

  BridgeController(LegacyLink link, LegacyHost host) {
    this.link = link;
    this.host = host;
  }

  @GetMapping
  View show() {
    return link.view();
  }

  /** Nothing crosses until it is resumed. */
  @PostMapping("/pause")
  View pause() {
    link.pause();
    return link.view();
  }

  /** Ends a pause and an outage. */
  @PostMapping("/resume")
  View resume() {
    link.resume();
    return link.view();
  }

  /** Cuts the wires to both targets. */
  @PostMapping("/outage")
  View outage() {
    link.outage();
    return link.view();
  }

  /** The legacy system announces transfer bags. */
  @PostMapping("/announcements")
  @ResponseStatus(HttpStatus.ACCEPTED)
  Mono<Void> announce(@RequestParam(defaultValue = "20") int bags) {
    if (bags < 1 || bags > MAX_BAGS) {
      throw Problem.malformed(
          List.of(FieldError.was("bags", Integer.toString(bags), "1.." + MAX_BAGS)));
    }
    return host.announce(bags);
  }
}
