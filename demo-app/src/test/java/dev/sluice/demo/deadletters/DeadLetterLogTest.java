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

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.junit.jupiter.api.Test;

class DeadLetterLogTest {

  private final DeadLetterLog log = new DeadLetterLog();

  private static DeadLetter letter(int number) {
    return new DeadLetter("bags.checked-in-0@" + number, "UNREADABLE", "x", Instant.EPOCH, "");
  }

  @Test
  void isEmptyAtFirst() {
    assertThat(log.last()).isEmpty();
  }

  @Test
  void hasTheNewestFirst() {
    log.add(letter(1));
    log.add(letter(2));

    assertThat(log.last()).containsExactly(letter(2), letter(1));
  }

  @Test
  void keepsTheLastTwenty() {
    for (int i = 0; i < 50; i++) {
      log.add(letter(i));
    }

    assertThat(log.last()).hasSize(20).startsWith(letter(49)).endsWith(letter(30));
  }
}
