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

import java.util.List;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** The last dead letters, the newest first. */
@RestController
@RequestMapping("/api/dead-letters")
class DeadLetterController {

  private final DeadLetterLog letters;

  DeadLetterController(DeadLetterLog letters) {
    this.letters = letters;
  }

  @GetMapping
  Letters last() {
    return new Letters(letters.last());
  }

  record Letters(List<DeadLetter> deadLetters) {}
}
