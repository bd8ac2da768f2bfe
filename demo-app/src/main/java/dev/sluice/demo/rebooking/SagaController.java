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
package dev.sluice.demo.rebooking;

import dev.sluice.demo.problem.FieldError;
import dev.sluice.demo.problem.JsonFields;
import dev.sluice.demo.problem.Problem;
import dev.sluice.store.SagaState;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** Shows sagas with their timelines, and takes decisions about those that are parked. */
@RestController
@RequestMapping("/api/sagas")
class SagaController {

  private static final int SHOWN = 50;
  private static final int MAX_WHY = 200;
  private static final String WHY = "what you did, in at most " + MAX_WHY + " characters";
  private static final byte[] NOTHING = "{}".getBytes(StandardCharsets.UTF_8);

  private final RebookingDesk desk;

  SagaController(RebookingDesk desk) {
    this.desk = desk;
  }

  /** The newest sagas, and how many there are that are not over. */
  record Listing(long running, long parked, List<SagaView> sagas) {}

  @GetMapping
  Mono<Listing> list(@RequestParam @Nullable String state) {
    SagaState meant = state == null ? null : state(state);
    return Mono.zip(desk.stats(), desk.newest(meant, SHOWN))
        .map(both -> new Listing(both.getT1().running(), both.getT1().parked(), both.getT2()));
  }

  private static SagaState state(String given) {
    return Arrays.stream(SagaState.values())
        .filter(state -> state.name().equals(given.toUpperCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(
            () ->
                Problem.malformed(
                    List.of(
                        FieldError.was(
                            "state",
                            given,
                            Arrays.stream(SagaState.values())
                                .map(SagaState::name)
                                .collect(Collectors.joining(", "))))));
  }

  @GetMapping("/{id}")
  Mono<SagaView> find(@PathVariable String id) {
    return desk.find(id);
  }

  @PostMapping("/{id}/resume")
  Mono<SagaView> resume(@PathVariable String id, @RequestBody(required = false) Mono<byte[]> body) {
    return decision(body, false).flatMap(decision -> desk.resume(id, decision.why()));
  }

  @PostMapping("/{id}/skip")
  Mono<SagaView> skip(@PathVariable String id, @RequestBody(required = false) Mono<byte[]> body) {
    return decision(body, true).flatMap(decision -> desk.skip(id, decision.step(), decision.why()));
  }

  @PostMapping("/{id}/fail")
  Mono<SagaView> fail(@PathVariable String id, @RequestBody(required = false) Mono<byte[]> body) {
    return decision(body, false).flatMap(decision -> desk.abandon(id, decision.why()));
  }

  private record Decision(String step, String why) {}

  private static Mono<Decision> decision(Mono<byte[]> body, boolean aboutStep) {
    return body.defaultIfEmpty(NOTHING).map(bytes -> decision(bytes, aboutStep));
  }

  private static Decision decision(byte[] body, boolean aboutStep) {
    JsonFields fields =
        aboutStep
            ? JsonFields.read(body, "{\"step\":\"charge\"}", List.of("step", "why"))
            : JsonFields.read(body, "{\"why\":\"the bank is back\"}", List.of("why"));
    String steps = String.join(", ", RebookingSaga.STEPS);
    String step = aboutStep ? fields.text("step", steps) : "";
    if (aboutStep && step != null && !RebookingSaga.STEPS.contains(step)) {
      fields.wrong(FieldError.was("step", step, steps));
    }
    String why = fields.optionalText("why", WHY);
    if (why != null && (why.isBlank() || why.length() > MAX_WHY)) {
      fields.wrong(FieldError.was("why", why, WHY));
    }
    if (!fields.valid() || step == null) {
      throw fields.problem();
    }
    return new Decision(step, why == null ? "by hand" : why);
  }
}
