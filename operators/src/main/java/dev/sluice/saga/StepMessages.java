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
package dev.sluice.saga;

import dev.sluice.codec.PayloadCodec;
import dev.sluice.message.Headers;
import dev.sluice.message.Message;
import dev.sluice.message.MessageIds;
import dev.sluice.requestreply.Refused;

/**
 * What travels from a saga to its participants: the input of a step, and in reserved headers the
 * rest.
 */
final class StepMessages {

  private static final String STEP = "sl-saga-step";
  private static final String WORK = "sl-saga-work";
  private static final String DO = "do";
  private static final String UNDO = "undo";

  private StepMessages() {}

  /**
   * A message that has the same id for each attempt, in whatever process. Its group is the step, so
   * that a channel with order does not let the compensation overtake the action.
   */
  static <I> Message<byte[]> of(
      String key, boolean undo, Message<I> input, PayloadCodec<I> inputs) {
    String work = undo ? UNDO : DO;
    return input.withPayload(inputs.encode(input), inputs.contentType()).toBuilder()
        .id(MessageIds.derived(key, work))
        .group(key)
        .headers(Headers.empty().withReserved(STEP, key).withReserved(WORK, work))
        .build();
  }

  /** The key of the step. */
  static String keyOf(Message<?> message) {
    String key = message.headers().get(STEP);
    if (key == null) {
      throw new Refused("NotAStep", "message " + message.id() + " has no " + STEP);
    }
    return key;
  }

  static boolean isUndo(Message<?> message) {
    String work = message.headers().get(WORK);
    if (UNDO.equals(work)) {
      return true;
    }
    if (DO.equals(work)) {
      return false;
    }
    throw new Refused("NotAStep", "message " + message.id() + " says neither do nor undo");
  }
}
