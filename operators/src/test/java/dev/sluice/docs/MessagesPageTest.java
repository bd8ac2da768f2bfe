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
package dev.sluice.docs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.message.Message;
import org.junit.jupiter.api.Test;

/** The code of docs/concepts/messages.md. */
class MessagesPageTest {

  record Bag(String tag) {}

  @Test
  void aMessageOfItsOwn() {
    Bag bag = new Bag("0016123456");
    // #region builder
    Message<Bag> message =
        Message.builder(bag)
            .type("bag.checked-in")
            .group("LH 400/2026-03-01")
            .header("tenant", "north")
            .build();
    // #endregion
    assertThat(message.payload()).isEqualTo(bag);
    assertThat(message.group()).isEqualTo("LH 400/2026-03-01");
    assertThat(message.headers().get("Tenant")).isEqualTo("north");
  }
}
