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
package dev.sluice.message;

import org.jspecify.annotations.Nullable;

/**
 * Where the reply to a message is awaited.
 *
 * <p>It comes with the message, so a replier looks the channel up among those it was given and
 * never connects to whatever it says.
 *
 * @param channel the name of the reply channel, 1..256 characters
 * @param token tells which instance behind the channel waits, 1..256 characters; {@code null} if
 *     that does not matter
 */
public record ReplyTo(String channel, @Nullable String token) {

  /**
   * Checks the two texts.
   *
   * @throws IllegalArgumentException if one is blank, too long, or holds control characters or
   *     unpaired surrogates
   */
  public ReplyTo {
    Text.require("replyTo.channel", channel, Text.MAX_CHARS);
    Text.requireOrNull("replyTo.token", token, Text.MAX_CHARS);
  }

  /** A channel behind which it does not matter who gets the reply. */
  public static ReplyTo channel(String channel) {
    return new ReplyTo(channel, null);
  }

  /** The channel, and whether there is a token; what it is stays hidden. */
  @Override
  public String toString() {
    return "ReplyTo[channel=" + channel + (token == null ? "]" : ", token]");
  }
}
