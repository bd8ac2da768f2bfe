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
package dev.sluice.demo.live;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullAndEmptySource;
import org.junit.jupiter.params.provider.ValueSource;

class RecordPositionTest {

  @Test
  void isTheOneThatADeadLetterNames() {
    assertThat(RecordPosition.parse("bags.checked-in-3@1234"))
        .isEqualTo(RecordPosition.of(3, 1234));
  }

  @Test
  void tellsPartitionsAndOffsetsApart() {
    assertThat(RecordPosition.of(0, 1)).isNotEqualTo(RecordPosition.of(1, 0));
    assertThat(RecordPosition.of(1, 5)).isNotEqualTo(RecordPosition.of(1, 6));
  }

  @ParameterizedTest
  @NullAndEmptySource
  @ValueSource(
      strings = {"x", "bags-1", "bags@3", "bags-1@", "bags-1@-2", "bags-999999@1", "a@b-1@2"})
  void isNotReadFromAnythingElse(String position) {
    assertThat(RecordPosition.parse(position)).isNull();
  }
}
