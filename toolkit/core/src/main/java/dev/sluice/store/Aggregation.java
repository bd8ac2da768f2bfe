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

import dev.sluice.message.Message;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What has been gathered of what is expected, as it stood when the store was asked.
 *
 * @param key what all of it has in common
 * @param state how far it is
 * @param request what it is an answer to; whoever completes it needs nothing else
 * @param legs who is expected to reply, each once
 * @param replies what has come and counts, in the order in which it came; none any more when it is
 *     completed
 * @param left the time to the deadline, by the clock of the store; zero when that has passed
 * @param result what it was completed with, if that was anything
 */
public record Aggregation(
    AggregationKey key,
    State state,
    Message<byte[]> request,
    List<String> legs,
    List<Reply> replies,
    Duration left,
    @Nullable Message<byte[]> result) {

  /** The most that may be expected to reply. */
  public static final int MAX_LEGS = 256;

  /** The longest name of one that is expected to reply, in characters. */
  public static final int MAX_LEG = 200;

  /**
   * The largest payload of a request, a reply or a result, in bytes: 256 KiB. What is larger
   * belongs into a payload store.
   */
  public static final int MAX_PAYLOAD = 1 << 18;

  /** How far an aggregation is. */
  public enum State {
    /** Replies count. */
    OPEN,

    /** Somebody is completing it, or began to: its replies do not change any more. */
    CLOSED,

    /** It has its result, for as long as that is retained. */
    COMPLETED
  }

  /** What one of the legs has said. */
  public record Reply(String leg, Message<byte[]> message) {

    public Reply {
      Objects.requireNonNull(leg, "leg");
      Objects.requireNonNull(message, "message");
    }
  }

  public Aggregation {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(state, "state");
    Objects.requireNonNull(request, "request");
    legs = List.copyOf(legs);
    replies = List.copyOf(replies);
    Objects.requireNonNull(left, "left");
  }

  /**
   * Checks what is opened, for stores.
   *
   * @return the names, as they may be kept
   * @throws IllegalArgumentException if there are more than {@value #MAX_LEGS}, if one is there
   *     twice, or if one is not 1 to {@value #MAX_LEG} storable characters long
   */
  public static List<String> requireLegs(Collection<String> legs) {
    if (legs.size() > MAX_LEGS) {
      throw new IllegalArgumentException(
          "legs: " + legs.size() + " (expected: 0.." + MAX_LEGS + ")");
    }
    Set<String> known = new HashSet<>();
    for (String leg : legs) {
      StoredText.require("leg", leg, MAX_LEG);
      if (!known.add(leg)) {
        throw new IllegalArgumentException("legs: \"" + leg + "\" twice (expected: once)");
      }
    }
    return List.copyOf(legs);
  }

  /**
   * Checks what is to be kept, for stores.
   *
   * @param what its name in errors
   * @throws IllegalArgumentException if its payload is larger than {@value #MAX_PAYLOAD} bytes
   */
  public static Message<byte[]> requirePayload(String what, Message<byte[]> message) {
    int length = message.payload().length;
    if (length > MAX_PAYLOAD) {
      throw new IllegalArgumentException(
          what + ": " + length + " bytes (expected: <= " + MAX_PAYLOAD + ")");
    }
    return message;
  }

  /** Who has not replied yet. */
  public List<String> missing() {
    Set<String> replied = new HashSet<>();
    replies.forEach(reply -> replied.add(reply.leg()));
    return legs.stream().filter(leg -> !replied.contains(leg)).toList();
  }
}
