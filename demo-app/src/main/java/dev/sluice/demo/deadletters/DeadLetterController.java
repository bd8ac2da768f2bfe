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
package dev.sluice.demo.deadletters;

import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.demo.problem.FieldError;
import dev.sluice.demo.problem.Problem;
import dev.sluice.message.Message;
import dev.sluice.store.DeadLetterQuery;
import dev.sluice.store.DeadLetters;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.util.MultiValueMap;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Dead letters: those of a cause, one in full, and back to where they came from, one with changes
 * or all that are meant.
 */
@RestController
@RequestMapping("/api/dead-letters")
class DeadLetterController {

  private static final int SHOWN = 4_096;
  private static final int CAUSES = 20;
  private static final String BODY =
      "nothing, or a JSON object such as {\"tag\":\"0016123456\",\"flight\":\"B6 108\","
          + "\"date\":\"2013-07-11\"} of what is to be changed";

  private final DeadLetters store;
  private final DeadLetterDesk desk;
  private final BagRepair repair;

  DeadLetterController(DeadLetters store, DeadLetterDesk desk, BagRepair repair) {
    this.store = store;
    this.desk = desk;
    this.repair = repair;
  }

  /**
   * A page of letters.
   *
   * @param total how many there are, whatever was asked for
   * @param oldestMillis the age of the oldest
   * @param causes how many of each cause are meant, the most frequent first
   * @param deadLetters those that are meant, the newest first unless the oldest are asked for
   */
  record Page(long total, long oldestMillis, List<Cause> causes, List<DeadLetter> deadLetters) {}

  /** Letters of one cause. */
  record Cause(String fingerprint, long letters, long oldestMillis) {}

  @GetMapping
  Mono<Page> page(@RequestParam MultiValueMap<String, String> parameters) {
    DeadLetterQuery query = query(parameters, "order", "after", "limit");
    return Mono.zip(
            store.stats(),
            store
                .groups(query.limit(CAUSES))
                .map(g -> new Cause(g.fingerprint(), g.letters(), g.oldest().toMillis()))
                .collectList(),
            store.query(query).map(DeadLetter::of).collectList())
        .map(
            all ->
                new Page(
                    all.getT1().letters(),
                    all.getT1().oldest().toMillis(),
                    all.getT2(),
                    all.getT3()));
  }

  /**
   * A letter in full.
   *
   * @param letter as on the page
   * @param told what can be read of its bag
   * @param headers all of them
   * @param body the beginning of its bytes as text, at most 4096
   */
  record Inspected(
      DeadLetter letter, BagRepair.Told told, Map<String, String> headers, String body) {}

  @GetMapping("/{id}")
  Mono<Inspected> inspect(@PathVariable String id) {
    return letter(id)
        .map(
            letter -> {
              Message<byte[]> message = letter.message();
              Map<String, String> headers = new TreeMap<>();
              message.headers().forEach(headers::put);
              return new Inspected(
                  DeadLetter.of(letter),
                  BagRepair.told(message.payload()),
                  headers,
                  DeadLetter.text(message.payload(), SHOWN));
            });
  }

  /** What was sent back. */
  record Redriven(String id, long sent) {}

  @PostMapping("/{id}/redrive")
  Mono<Redriven> redrive(
      @PathVariable String id, @RequestBody(required = false) Mono<byte[]> body) {
    return body.defaultIfEmpty(new byte[0])
        .map(DeadLetterController::said)
        .flatMap(
            said ->
                letter(id)
                    .flatMap(letter -> desk.redrive(letter, edit(letter, said)))
                    .thenReturn(new Redriven(id, 1)));
  }

  /** Found wrong before anything is sent, an edit is the caller's mistake. */
  private UnaryOperator<Message<byte[]>> edit(
      dev.sluice.store.DeadLetter letter, BagRepair.Told said) {
    if (said.tag() == null && said.flight() == null && said.date() == null) {
      return UnaryOperator.identity();
    }
    Message<byte[]> repaired = repair.repaired(letter.channel(), letter.message(), said);
    return message ->
        message
            .withType(repaired.type())
            .withGroup(repaired.group())
            .withPayload(repaired.payload(), repaired.contentType());
  }

  /**
   * What is going to be sent back.
   *
   * @param letters how many there are of it now
   */
  record Accepted(long letters) {}

  @PostMapping("/redrive")
  @ResponseStatus(HttpStatus.ACCEPTED)
  Mono<Accepted> redriveAll(@RequestParam MultiValueMap<String, String> parameters) {
    DeadLetterQuery query = query(parameters, "retag").maxRedrives(DeadLetterDesk.MAX_REDRIVES - 1);
    boolean retag = Boolean.parseBoolean(parameters.getFirst("retag"));
    return store
        .groups(query.limit(DeadLetterQuery.MAX_LIMIT))
        .reduce(0L, (sum, group) -> sum + group.letters())
        .doOnNext(letters -> desk.redriveAll(query, retag))
        .map(Accepted::new);
  }

  private Mono<dev.sluice.store.DeadLetter> letter(String id) {
    return desk.find(id)
        .switchIfEmpty(Mono.error(() -> Problem.notFound("there is no dead letter of this id")));
  }

  // == what was asked for ==

  private static DeadLetterQuery query(MultiValueMap<String, String> parameters, String... more) {
    List<FieldError> errors = new ArrayList<>();
    Map<String, String> given = new HashMap<>();
    parameters.forEach((name, values) -> given.put(name, values.get(0)));
    DeadLetterQuery query = DeadLetterQuery.all();
    String reason = given.remove("reason");
    if (reason != null) {
      DeadLetterReason known =
          Arrays.stream(DeadLetterReason.values())
              .filter(r -> r.name().equals(reason))
              .findAny()
              .orElse(null);
      if (known == null) {
        errors.add(
            FieldError.was("reason", reason, "one of " + List.of(DeadLetterReason.values())));
      } else {
        query = query.reason(known);
      }
    }
    String fingerprint = given.remove("fingerprint");
    if (fingerprint != null) {
      query = query.fingerprint(fingerprint);
    }
    List<String> allowed = List.of(more);
    String after = allowed.contains("after") ? given.remove("after") : null;
    if (after != null) {
      if (after.matches("[0-9]{1,18}")) {
        query = query.after(after);
      } else {
        errors.add(FieldError.was("after", after, "the id of a dead letter"));
      }
    }
    String order = allowed.contains("order") ? given.remove("order") : "oldest";
    if (order == null || order.equals("newest")) {
      query = query.newestFirst();
    } else if (!order.equals("oldest")) {
      errors.add(FieldError.was("order", order, "newest or oldest"));
    }
    String limit = allowed.contains("limit") ? given.remove("limit") : null;
    if (limit != null) {
      if (limit.matches("[0-9]{1,4}")
          && Integer.parseInt(limit) >= 1
          && Integer.parseInt(limit) <= 1_000) {
        query = query.limit(Integer.parseInt(limit));
      } else {
        errors.add(FieldError.was("limit", limit, "1..1000"));
      }
    }
    String retag = allowed.contains("retag") ? given.remove("retag") : null;
    if (retag != null && !retag.matches("true|false")) {
      errors.add(FieldError.was("retag", retag, "true or false"));
    }
    for (String unknown : given.keySet()) {
      errors.add(
          FieldError.of(
              unknown, "nobody knows it", "reason, fingerprint, " + String.join(", ", more)));
    }
    if (!errors.isEmpty()) {
      throw Problem.malformed(errors);
    }
    return query;
  }

  private static BagRepair.Told said(byte[] body) {
    if (body.length == 0) {
      return new BagRepair.Told(null, null, null);
    }
    JsonNode node;
    try {
      node = JsonMapper.shared().readTree(body);
    } catch (JacksonException e) {
      throw Problem.malformed(List.of(FieldError.of("body", "malformed JSON", BODY)));
    }
    if (!node.isObject()) {
      throw Problem.malformed(List.of(FieldError.of("body", "not an object", BODY)));
    }
    List<FieldError> errors = new ArrayList<>();
    BagRepair.Told told =
        new BagRepair.Told(
            text(node, "tag", errors), text(node, "flight", errors), text(node, "date", errors));
    for (String name : node.propertyNames()) {
      if (!List.of("tag", "flight", "date").contains(name)) {
        errors.add(FieldError.of("body", "a field nobody knows", "only tag, flight and date"));
      }
    }
    if (!errors.isEmpty()) {
      throw Problem.unprocessable(errors);
    }
    return told;
  }

  private static @Nullable String text(JsonNode node, String field, List<FieldError> errors) {
    JsonNode value = node.path(field);
    if (value.isMissingNode() || value.isNull()) {
      return null;
    }
    if (!value.isString()) {
      errors.add(FieldError.of(field, "not a text", "a text"));
      return null;
    }
    return value.stringValue();
  }
}
