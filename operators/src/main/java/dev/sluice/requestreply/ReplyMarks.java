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
package dev.sluice.requestreply;

import dev.sluice.delivery.ErrorClassifier.Kind;
import dev.sluice.message.Headers;
import dev.sluice.message.Message;
import dev.sluice.message.MessageIds;
import dev.sluice.message.ReplyTo;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a reply says beside its payload, in reserved headers. One without them, of a stranger, is an
 * answer and the end.
 */
final class ReplyMarks {

  /** What a reply is. */
  enum What {
    /** An answer, after which more may come. */
    VALUE,
    /** An answer, and the end. */
    LAST,
    /** The end, after as many answers as its number says. */
    END,
    /** The replier has failed; the payload says why. */
    ERROR
  }

  private static final String WHAT = "sl-reply";
  private static final String NUMBER = "sl-reply-number";
  private static final String FOR = "sl-reply-for";
  private static final String CODE = "sl-reply-code";
  private static final String KIND = "sl-reply-kind";

  private ReplyMarks() {}

  // == replier ==

  /**
   * A reply. Its id is derived from the request and the number, so that a request that comes again
   * is answered with the same ids. It expires with the request: nobody hears it later.
   *
   * @param ordered whether other replies come before or after it, whose order counts
   */
  static <R> Message<R> reply(
      Message<?> request, What what, long number, R payload, boolean ordered) {
    Message<R> reply = request.reply(payload);
    Headers marks =
        reply
            .headers()
            .withReserved(WHAT, what.name().toLowerCase(Locale.ROOT))
            .withReserved(NUMBER, Long.toString(number));
    ReplyTo to = Objects.requireNonNull(request.replyTo());
    if (to.token() != null) {
      marks = marks.withReserved(FOR, to.token());
    }
    return reply.toBuilder()
        .id(MessageIds.derived(request.id(), "reply " + number + " " + what))
        .headers(marks)
        .group(ordered ? request.id() : null)
        .expiresAt(request.expiresAt())
        .build();
  }

  static Message<byte[]> error(Message<?> request, long number, Refusal refusal, boolean ordered) {
    Message<byte[]> reply =
        reply(
            request,
            What.ERROR,
            number,
            refusal.detail().getBytes(StandardCharsets.UTF_8),
            ordered);
    return reply.withHeaders(
        reply
            .headers()
            .withReserved(CODE, refusal.code())
            .withReserved(KIND, refusal.kind().name()));
  }

  // == requester ==

  /** The id of the request that this answers; null if it does not say. */
  static @Nullable String requestOf(Message<?> reply) {
    return reply.causationId() == null ? reply.correlationId() : reply.causationId();
  }

  /** The instance that it is for; null if it does not say. */
  static @Nullable String tokenOf(Message<?> reply) {
    return reply.headers().get(FOR);
  }

  /** What it is; a mark that nobody knows is a word of a later version, and no answer. */
  static @Nullable What whatOf(Message<?> reply) {
    String what = reply.headers().get(WHAT);
    if (what == null) {
      return What.LAST;
    }
    for (What known : What.values()) {
      if (known.name().equalsIgnoreCase(what)) {
        return known;
      }
    }
    return null;
  }

  /** Its place among the replies, from 0; -1 if what it says is no number. */
  static long numberOf(Message<?> reply) {
    String number = reply.headers().get(NUMBER);
    try {
      return number == null ? 0 : Math.max(-1, Long.parseLong(number));
    } catch (NumberFormatException e) {
      return -1;
    }
  }

  static Refusal refusalOf(Message<byte[]> reply) {
    String code = reply.headers().get(CODE);
    return Refusal.of(
        code == null ? "unknown" : code,
        new String(reply.payload(), StandardCharsets.UTF_8),
        kind(reply.headers().get(KIND)));
  }

  /** Nobody else's word makes this process stop, so there is no fatal refusal. */
  private static Kind kind(@Nullable String kind) {
    return Kind.POISON.name().equals(kind) ? Kind.POISON : Kind.TRANSIENT;
  }
}
