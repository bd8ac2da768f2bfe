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
package dev.sluice.store;

import dev.sluice.delivery.DeadLetterReason;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Which dead letters are meant: those that satisfy everything that is asked for, the oldest first
 * or the newest first.
 *
 * <p>Immutable: each method returns a new query.
 *
 * @param id the id of the letter; null for any
 * @param channel the channel that had delivered them; null for any
 * @param reason why they are here; null for any
 * @param fingerprint the cause that they have in common, as {@link DeadLetter#fingerprint()} gives
 *     it; null for any
 * @param messageId the id of the message; null for any
 * @param minAge how long they have been here at least, by the store's clock
 * @param maxRedrives how often they were sent back at most
 * @param isNewestFirst whether they come the other way round than they were added
 * @param after the id of the letter behind which to go on, in that order; null for the beginning
 * @param limit how many at most, 1..1000
 */
public record DeadLetterQuery(
    @Nullable String id,
    @Nullable String channel,
    @Nullable DeadLetterReason reason,
    @Nullable String fingerprint,
    @Nullable String messageId,
    Duration minAge,
    int maxRedrives,
    boolean isNewestFirst,
    @Nullable String after,
    int limit) {

  /** The most letters at once. */
  public static final int MAX_LIMIT = 1_000;

  private static final DeadLetterQuery ALL =
      new DeadLetterQuery(
          null, null, null, null, null, Duration.ZERO, Integer.MAX_VALUE, false, null, 100);

  public DeadLetterQuery {
    if (minAge.isNegative()) {
      throw new IllegalArgumentException("minAge: " + minAge + " (expected: >= PT0S)");
    }
    if (maxRedrives < 0) {
      throw new IllegalArgumentException("maxRedrives: " + maxRedrives + " (expected: >= 0)");
    }
    requireId("id", id);
    requireId("after", after);
    if (limit < 1 || limit > MAX_LIMIT) {
      throw new IllegalArgumentException("limit: " + limit + " (expected: 1.." + MAX_LIMIT + ")");
    }
  }

  private static void requireId(String what, @Nullable String id) {
    if (id != null && !id.matches("[0-9]{1,18}")) {
      throw new IllegalArgumentException(
          what + ": \"" + id + "\" (expected: the id of a dead letter)");
    }
  }

  /** All letters, the oldest first, a hundred at a time. */
  public static DeadLetterQuery all() {
    return ALL;
  }

  /** Only this one. */
  public DeadLetterQuery id(String id) {
    Objects.requireNonNull(id, "id");
    return with(draft -> draft.id = id);
  }

  /** Only those that this channel had delivered. */
  public DeadLetterQuery channel(String channel) {
    Objects.requireNonNull(channel, "channel");
    return with(draft -> draft.channel = channel);
  }

  /** Only those that are here for this reason. */
  public DeadLetterQuery reason(DeadLetterReason reason) {
    Objects.requireNonNull(reason, "reason");
    return with(draft -> draft.reason = reason);
  }

  /** Only those of this cause. */
  public DeadLetterQuery fingerprint(String fingerprint) {
    Objects.requireNonNull(fingerprint, "fingerprint");
    return with(draft -> draft.fingerprint = fingerprint);
  }

  /** Only those of this message. */
  public DeadLetterQuery messageId(String messageId) {
    Objects.requireNonNull(messageId, "messageId");
    return with(draft -> draft.messageId = messageId);
  }

  /** Only those that have been here for so long. */
  public DeadLetterQuery minAge(Duration minAge) {
    return with(draft -> draft.minAge = minAge);
  }

  /** Only those that were sent back so often at most. */
  public DeadLetterQuery maxRedrives(int maxRedrives) {
    return with(draft -> draft.maxRedrives = maxRedrives);
  }

  /**
   * The newest first: what people want to see. What is sent back has to be sent in the order in
   * which it came, the oldest first, so a redrive refuses this.
   */
  public DeadLetterQuery newestFirst() {
    return with(draft -> draft.isNewestFirst = true);
  }

  /** Only those behind this one, in the order of the query. */
  public DeadLetterQuery after(String after) {
    Objects.requireNonNull(after, "after");
    return with(draft -> draft.after = after);
  }

  /** So many at most. */
  public DeadLetterQuery limit(int limit) {
    return with(draft -> draft.limit = limit);
  }

  private DeadLetterQuery with(Consumer<Draft> change) {
    Draft draft = new Draft(this);
    change.accept(draft);
    return draft.query();
  }

  /** Written while a query is made from another one, and never again. */
  private static final class Draft {
    @Nullable String id;
    @Nullable String channel;
    @Nullable DeadLetterReason reason;
    @Nullable String fingerprint;
    @Nullable String messageId;
    Duration minAge;
    int maxRedrives;
    boolean isNewestFirst;
    @Nullable String after;
    int limit;

    Draft(DeadLetterQuery query) {
      id = query.id;
      channel = query.channel;
      reason = query.reason;
      fingerprint = query.fingerprint;
      messageId = query.messageId;
      minAge = query.minAge;
      maxRedrives = query.maxRedrives;
      isNewestFirst = query.isNewestFirst;
      after = query.after;
      limit = query.limit;
    }

    DeadLetterQuery query() {
      return new DeadLetterQuery(
          id,
          channel,
          reason,
          fingerprint,
          messageId,
          minAge,
          maxRedrives,
          isNewestFirst,
          after,
          limit);
    }
  }
}
