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
import dev.sluice.codec.PayloadCodec;
import dev.sluice.message.Message;
import java.util.Objects;

/**
 * A kind of event: what its messages are called, and how its payload is written. Declared once, and
 * shared by those who emit it and those who act on it.
 *
 * @param <T> the payloads
 */
@Experimental
public final class EventType<T> {

  private final String name;
  private final PayloadCodec<T> codec;

  private EventType(String name, PayloadCodec<T> codec) {
    this.name = name;
    this.codec = codec;
  }

  /**
   * A kind of event.
   *
   * @param name the {@linkplain Message#type() type} of its messages, such as {@code
   *     flight.landed}: what has happened, in the past tense. 1..256 characters, not blank
   * @param codec writes and reads its payload
   * @throws IllegalArgumentException if the name is anything else
   */
  public static <T> EventType<T> of(String name, PayloadCodec<T> codec) {
    Message.builder(new byte[0]).type(Objects.requireNonNull(name, "name"));
    return new EventType<>(name, Objects.requireNonNull(codec, "codec"));
  }

  /** The type of its messages. */
  public String name() {
    return name;
  }

  /** How its payload is written. */
  public PayloadCodec<T> codec() {
    return codec;
  }

  /** An event of this kind, in the group of the event that it follows from. */
  public Event<T> of(T payload) {
    return new Event<>(this, payload, null);
  }

  /** Two are the same if their names are. */
  @Override
  public boolean equals(Object other) {
    return other instanceof EventType<?> that && name.equals(that.name);
  }

  @Override
  public int hashCode() {
    return name.hashCode();
  }

  @Override
  public String toString() {
    return name;
  }
}
