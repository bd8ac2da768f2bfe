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
package dev.sluice.pubsub;

import dev.sluice.Experimental;
import java.util.Objects;
import java.util.function.UnaryOperator;

/** The options of a {@link Topic}. Immutable: each method returns a changed copy. */
@Experimental
public final class TopicSpec {

  private final int retain;

  private TopicSpec(int retain) {
    this.retain = retain;
  }

  static TopicSpec of(UnaryOperator<TopicSpec> change) {
    return Objects.requireNonNull(
        Objects.requireNonNull(change, "spec").apply(new TopicSpec(1024)),
        "the function gave null");
  }

  /**
   * How many messages the topic keeps, the newest ones, for subscribers that begin before now or
   * fall behind. Defaults to 1024.
   *
   * @param messages 1..1048576
   */
  public TopicSpec retain(int messages) {
    if (messages < 1 || messages > 1 << 20) {
      throw new IllegalArgumentException("retain: " + messages + " (expected: 1..1048576)");
    }
    return new TopicSpec(messages);
  }

  int retain() {
    return retain;
  }
}
