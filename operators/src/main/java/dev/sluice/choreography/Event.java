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
package dev.sluice.choreography;

import dev.sluice.Experimental;
import dev.sluice.message.Message;
import dev.sluice.message.MessageIds;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Something that has happened, to be made known.
 *
 * @param type what kind of event it is
 * @param payload what there is to know about it
 * @param group within which it keeps its order; null for the group of the event that it follows
 *     from
 * @param <T> the payload
 */
@Experimental
public record Event<T>(EventType<T> type, T payload, @Nullable String group) {

  public Event {
    Objects.requireNonNull(type, "type");
    Objects.requireNonNull(payload, "payload");
  }

  /** The same event in a group of its own choice. */
  public Event<T> inGroup(String group) {
    return new Event<>(type, payload, Objects.requireNonNull(group, "group"));
  }

  /**
   * The message of an event that follows from no other, with a fresh id: it begins a conversation.
   */
  public Message<byte[]> message() {
    return written(
        Message.builder(payload).type(type.name()).group(group).id(MessageIds.next()).build());
  }

  /** The message of an event that follows from another; its id is the same each time. */
  Message<byte[]> after(Message<?> cause, String suffix, Instant now) {
    return written(
        cause.child(suffix, payload).toBuilder()
            .type(type.name())
            .group(group == null ? cause.group() : group)
            .createdAt(now)
            .expiresAt(null)
            .build());
  }

  private Message<byte[]> written(Message<T> message) {
    return message.withPayload(type.codec().encode(message), type.codec().contentType());
  }
}
