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
package dev.sluice.bridge;

import dev.sluice.codec.PayloadCodec;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.ErrorClassifier;
import dev.sluice.delivery.ErrorClassifier.Kind;
import dev.sluice.message.Message;
import java.util.Objects;
import java.util.function.Function;

/**
 * From the format of one side to that of the other.
 *
 * @param from reads what comes
 * @param mapper makes of it what goes
 * @param to writes that
 */
record Translation<A, B>(
    PayloadCodec<A> from,
    Function<? super Message<A>, ? extends Message<B>> mapper,
    PayloadCodec<B> to) {

  Translation {
    Objects.requireNonNull(from, "from");
    Objects.requireNonNull(mapper, "mapper");
    Objects.requireNonNull(to, "to");
  }

  /**
   * The message as it goes on, under the id with which it came: only so can the other side tell
   * that it has come again.
   *
   * @throws Untranslatable if it cannot be read, mapped or written
   */
  Message<byte[]> translate(Message<byte[]> message) {
    A payload = attempt(DeadLetterReason.UNREADABLE, "read", () -> from.decode(message));
    Message<B> mapped =
        attempt(
            DeadLetterReason.POISON, "mapped", () -> mapper.apply(message.withPayload(payload)));
    byte[] bytes = attempt(DeadLetterReason.POISON, "written", () -> to.encode(mapped));
    Message<byte[]> translated = mapped.withPayload(bytes, to.contentType());
    return translated.id().equals(message.id())
        ? translated
        : translated.toBuilder().id(message.id()).build();
  }

  private interface Step<R> {
    R take();
  }

  /** Plain CPU work, so what fails will fail again. */
  private static <R> R attempt(DeadLetterReason reason, String what, Step<R> step) {
    try {
      return Objects.requireNonNull(step.take(), "the function gave null");
    } catch (Throwable e) {
      if (ErrorClassifier.defaults().classify(e) == Kind.FATAL) {
        throw e; // about the process, not the message
      }
      throw new Untranslatable(reason, "cannot be " + what + ": " + e, e);
    }
  }
}
