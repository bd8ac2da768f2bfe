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

import dev.sluice.demo.bag.Bag;
import dev.sluice.demo.problem.FieldError;
import dev.sluice.demo.problem.JsonFields;
import dev.sluice.demo.problem.Problem;
import dev.sluice.http.OperationFailed;
import dev.sluice.http.OperationRequest;
import java.util.List;
import reactor.core.publisher.Mono;

/**
 * A valid claim: somebody misses a bag.
 *
 * @param tag ten digits
 */
record ClaimRequest(String tag) {

  private static final String EXAMPLE = "{\"tag\":\"0016123456\"}";
  private static final String TAG = "10 digits";

  /** What nobody can work on is refused, and not accepted to fail later. */
  static Mono<Void> check(OperationRequest request) {
    return Mono.<Void>fromRunnable(() -> read(request.content().bytes()))
        .onErrorMap(Problem.class, ClaimRequest::refused);
  }

  private static OperationFailed refused(Problem problem) {
    return new OperationFailed(
        new dev.sluice.http.Problem(
            problem.getStatusCode().value(),
            "invalid",
            "The claim makes no sense",
            problem.getBody().getDetail(),
            problem.errors().stream()
                .map(error -> new dev.sluice.http.Problem.FieldError(error.field(), error.detail()))
                .toList()));
  }

  /**
   * Reads a claim and names everything that is wrong with it.
   *
   * @throws Problem 400 if the body is not a JSON object, 422 if its fields are wrong
   */
  static ClaimRequest read(byte[] body) {
    JsonFields fields = JsonFields.read(body, EXAMPLE, List.of("tag"));
    String tag = fields.text("tag", TAG);
    if (tag != null && !Bag.isTag(tag)) {
      fields.wrong(FieldError.was("tag", tag, TAG));
    }
    if (!fields.valid() || tag == null) {
      throw fields.problem();
    }
    return new ClaimRequest(tag);
  }
}
