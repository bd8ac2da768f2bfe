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
package dev.sluice.channel;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Which waiting messages are meant: those that satisfy everything that is asked for, by position.
 *
 * <p>Immutable: each method returns a new query.
 *
 * @param messageId the id of the message; null for any
 * @param type the type of the message; null for any
 * @param group the group of the message; null for any and none
 * @param after the position behind which to go on; null for the beginning
 * @param limit how many at most, 1..1000
 */
public record BrowseQuery(
    @Nullable String messageId,
    @Nullable String type,
    @Nullable String group,
    @Nullable String after,
    int limit) {

  /** The most messages at once. */
  public static final int MAX_LIMIT = 1_000;

  private static final BrowseQuery ALL = new BrowseQuery(null, null, null, null, 100);

  public BrowseQuery {
    if (limit < 1 || limit > MAX_LIMIT) {
      throw new IllegalArgumentException("limit: " + limit + " (expected: 1.." + MAX_LIMIT + ")");
    }
  }

  /** All messages that wait, a hundred at a time. */
  public static BrowseQuery all() {
    return ALL;
  }

  /** Only the message with this id. */
  public BrowseQuery messageId(String messageId) {
    Objects.requireNonNull(messageId, "messageId");
    return new BrowseQuery(messageId, type, group, after, limit);
  }

  /** Only messages of this type. */
  public BrowseQuery type(String type) {
    Objects.requireNonNull(type, "type");
    return new BrowseQuery(messageId, type, group, after, limit);
  }

  /** Only messages of this group. */
  public BrowseQuery group(String group) {
    Objects.requireNonNull(group, "group");
    return new BrowseQuery(messageId, type, group, after, limit);
  }

  /** Only those behind this one: the {@link Waiting#position} of the last that was seen. */
  public BrowseQuery after(String after) {
    Objects.requireNonNull(after, "after");
    return new BrowseQuery(messageId, type, group, after, limit);
  }

  /** So many at most. */
  public BrowseQuery limit(int limit) {
    return new BrowseQuery(messageId, type, group, after, limit);
  }
}
