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

import dev.sluice.demo.bag.Bag;
import dev.sluice.demo.ledger.Ledger;
import dev.sluice.demo.problem.Problem;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** Has customs look at a bag; 504 if that takes longer than one waits. */
@RestController
class CustomsController {

  private final CustomsDesk desk;
  private final Ledger ledger;

  CustomsController(CustomsDesk desk, Ledger ledger) {
    this.desk = desk;
    this.ledger = ledger;
  }

  @PostMapping("/api/bags/{tag}/customs")
  Mono<Verdict> check(@PathVariable String tag) {
    if (!Bag.isTag(tag) || ledger.find(tag) == null) {
      throw Problem.notFound("no bag with this tag is checked in");
    }
    return desk.check(tag);
  }
}
