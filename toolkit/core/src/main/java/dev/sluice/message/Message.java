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

import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A payload and what has to be known about it to move it: an immutable value without behaviour.
 *
 * <p>Ids, types, content types, channel names and tokens are texts of 1..256 characters, groups of
 * 1..1024; they are not blank and hold neither control characters nor unpaired surrogates. Times
 * lie in the years 0001..9999. Whatever breaks a limit is refused with an {@link
 * IllegalArgumentException}, such as {@code priority: 11 (expected: 0..9)}.
 *
 * <p>Two messages are equal if all their fields are, payloads that are arrays being compared by
 * content. To recognise the <em>same</em> message after a redelivery, a retry or a bridge, compare
 * the {@link #id()}: it stays while everything else may change.
 *
 * <p>Messages are thread-safe as far as their payload is. {@link #toString()} shows neither the
 * payload nor the values of headers.
 *
 * @param <T> the type of the payload
 */
public final class Message<T> {

  /** The type of a message that was given none: {@value}. */
  public static final String DEFAULT_TYPE = "unknown";

  /** The content type of a message that was given none: {@value}. */
  public static final String DEFAULT_CONTENT_TYPE = "application/octet-stream";

  /** The least urgent priority. */
  public static final int MIN_PRIORITY = 0;

  /** The priority of a message that was given none. */
  public static final int DEFAULT_PRIORITY = 4;

  /** The most urgent priority. */
  public static final int MAX_PRIORITY = 9;

  static final Instant MIN_TIME = Instant.parse("0001-01-01T00:00:00Z");
  static final Instant MAX_TIME = Instant.parse("9999-12-31T23:59:59.999999999Z");

  private final String id;
  private final String type;
  private final T payload;
  private final String contentType;
  private final @Nullable String group;
  private final int priority;
  private final Headers headers;
  private final @Nullable String correlationId;
  private final @Nullable String causationId;
  private final @Nullable ReplyTo replyTo;
  private final Instant createdAt;
  private final @Nullable Instant expiresAt;

  private Message(Builder<T> builder, String id, Instant createdAt) {
    this.id = id;
    this.type = builder.type;
    this.payload = builder.payload;
    this.contentType = builder.contentType;
    this.group = builder.group;
    this.priority = builder.priority;
    this.headers = builder.headers;
    this.correlationId = builder.correlationId;
    this.causationId = builder.causationId;
    this.replyTo = builder.replyTo;
    this.createdAt = createdAt;
    this.expiresAt = builder.expiresAt;
  }

  private Message(Message<?> envelope, T payload, String contentType) {
    this.id = envelope.id;
    this.type = envelope.type;
    this.payload = payload;
    this.contentType = contentType;
    this.group = envelope.group;
    this.priority = envelope.priority;
    this.headers = envelope.headers;
    this.correlationId = envelope.correlationId;
    this.causationId = envelope.causationId;
    this.replyTo = envelope.replyTo;
    this.createdAt = envelope.createdAt;
    this.expiresAt = envelope.expiresAt;
  }

  /** A message with a fresh id, created now, and the defaults for everything else. */
  public static <T> Message<T> of(T payload) {
    return builder(payload).build();
  }

  /** Starts a message with this payload. */
  public static <T> Builder<T> builder(T payload) {
    return new Builder<>(payload);
  }

  /** Starts a message with everything of this one. */
  public Builder<T> toBuilder() {
    return copy(payload);
  }

  /**
   * What identifies the message, always and everywhere: redelivery, retry, bridge, dead letter and
   * redrive keep it. It is the key by which duplicates are recognised.
   */
  public String id() {
    return id;
  }

  /** The logical type, such as {@code bag.scanned}; routing and codecs go by it. */
  public String type() {
    return type;
  }

  /** The payload. */
  public T payload() {
    return payload;
  }

  /** How the payload is written as bytes, as a media type. */
  public String contentType() {
    return contentType;
  }

  /** Messages of one group keep their order; {@code null} if no order is wanted. */
  public @Nullable String group() {
    return group;
  }

  /** The urgency, 0..9, 9 being the most urgent. */
  public int priority() {
    return priority;
  }

  /** The headers; empty rather than absent. */
  public Headers headers() {
    return headers;
  }

  /**
   * What the messages of one conversation share; {@code null} if this one began it, or is alone.
   */
  public @Nullable String correlationId() {
    return correlationId;
  }

  /** The id of the message that gave rise to this one, if any. */
  public @Nullable String causationId() {
    return causationId;
  }

  /** Where a reply is awaited, if anywhere. */
  public @Nullable ReplyTo replyTo() {
    return replyTo;
  }

  /** When the message came into being. */
  public Instant createdAt() {
    return createdAt;
  }

  /** From when on the message is of no use; {@code null} if it never expires. */
  public @Nullable Instant expiresAt() {
    return expiresAt;
  }

  /** Whether the message is of no use any more. */
  public boolean expired(Clock clock) {
    return expiresAt != null && !clock.instant().isBefore(expiresAt);
  }

  /** This message with another payload that is written in the same content type. */
  public <R> Message<R> withPayload(R payload) {
    return new Message<>(this, requirePayload(payload), contentType);
  }

  /** This message with another payload and content type. */
  public <R> Message<R> withPayload(R payload, String contentType) {
    return new Message<>(this, requirePayload(payload), requireContentType(contentType));
  }

  /** This message with another type. */
  public Message<T> withType(String type) {
    return toBuilder().type(type).build();
  }

  /** This message in another group; {@code null} for none. */
  public Message<T> withGroup(@Nullable String group) {
    return toBuilder().group(group).build();
  }

  /** This message with another priority. */
  public Message<T> withPriority(int priority) {
    return toBuilder().priority(priority).build();
  }

  /**
   * This message with one more header, or another value for one it has.
   *
   * @see Headers#with
   */
  public Message<T> withHeader(String name, String value) {
    return toBuilder().header(name, value).build();
  }

  /** This message with these headers instead of those it has. */
  public Message<T> withHeaders(Headers headers) {
    return toBuilder().headers(headers).build();
  }

  /**
   * This message with a time to live.
   *
   * @param timeToLive counted from {@link #createdAt()}, not from now; not negative
   */
  public Message<T> expiring(Duration timeToLive) {
    Instant end;
    try {
      end = createdAt.plus(timeToLive);
    } catch (DateTimeException | ArithmeticException e) {
      throw new IllegalArgumentException(
          "timeToLive: " + timeToLive + " (expected: an end before the year 10000)", e);
    }
    if (timeToLive.isNegative()) {
      throw new IllegalArgumentException("timeToLive: " + timeToLive + " (expected: >= 0)");
    }
    return expiringAt(end);
  }

  /** This message with another time from which on it is of no use; {@code null} for never. */
  public Message<T> expiringAt(@Nullable Instant expiresAt) {
    return toBuilder().expiresAt(expiresAt).build();
  }

  /** This message with another place for the reply; {@code null} if none is wanted. */
  public Message<T> replyTo(@Nullable ReplyTo replyTo) {
    return toBuilder().replyTo(replyTo).build();
  }

  /**
   * A reply to this message.
   *
   * <p>It has a fresh id, is created now, never expires, and its own {@code replyTo} is empty. It
   * belongs to the conversation of this message, which is its cause, and keeps its type, group,
   * priority, content type and trace headers; no other header. Where the same request has to give
   * the same reply id again, use {@link #child}.
   */
  public <R> Message<R> reply(R payload) {
    Builder<R> reply =
        derive(payload).id(MessageIds.next()).expiresAt(null).headers(traceHeaders());
    reply.createdAt = null;
    return reply.build();
  }

  /**
   * A part of this message, or a message that follows from it.
   *
   * <p>Its id is {@linkplain MessageIds#derived derived} from the id of this message and the
   * suffix, so that doing the work again after a redelivery makes the same ids, and the duplicates
   * are recognised downstream. It belongs to the conversation of this message, which is its cause,
   * and keeps everything else, the time of creation included, except {@code replyTo} and the
   * reserved headers, which are about this message alone.
   *
   * @param suffix tells the children of this message apart, such as the line number of an order
   */
  public <R> Message<R> child(String suffix, R payload) {
    return derive(payload).id(MessageIds.derived(id, suffix)).headers(headers.ordinary()).build();
  }

  /**
   * One message in the place of several, the counterpart of {@link #child}.
   *
   * <p>Its id is derived from the ids of the members in their order, so the same members always
   * make the same one. It keeps what all members have in common: type, group, conversation, and the
   * headers that are not the toolkit's own. It is as urgent as the most urgent of them, was created
   * with the youngest, and expires with the first. It has no cause and awaits no reply, for these
   * are several, and its content type is the default.
   *
   * @param members in their order, at least one
   * @throws IllegalArgumentException if there is no member
   */
  public static <R> Message<R> join(List<? extends Message<?>> members, R payload) {
    if (members.isEmpty()) {
      throw new IllegalArgumentException("members: [] (expected: at least one)");
    }
    Message<?> first = members.get(0);
    Builder<R> joined =
        builder(payload)
            .id(
                MessageIds.derived(
                    first.id, members.stream().map(Message::id).collect(Collectors.joining(","))))
            .type(Objects.requireNonNullElse(common(members, Message::type), DEFAULT_TYPE))
            .group(common(members, Message::group))
            .correlationId(common(members, m -> m.correlationId == null ? m.id : m.correlationId))
            .headers(first.headers.ordinary());
    Instant created = first.createdAt;
    Instant expiry = null;
    int priority = first.priority;
    for (Message<?> member : members) {
      joined.headers(joined.headers.retain(member.headers));
      priority = Math.max(priority, member.priority);
      created = member.createdAt.isAfter(created) ? member.createdAt : created;
      Instant end = member.expiresAt;
      expiry = end != null && (expiry == null || end.isBefore(expiry)) ? end : expiry;
    }
    return joined.priority(priority).createdAt(created).expiresAt(expiry).build();
  }

  /** The value that all members have, or null. */
  private static @Nullable String common(
      List<? extends Message<?>> members, Function<Message<?>, @Nullable String> field) {
    String value = field.apply(members.get(0));
    for (Message<?> member : members) {
      if (!Objects.equals(value, field.apply(member))) {
        return null;
      }
    }
    return value;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return this == other
        || (other instanceof Message<?> that
            && id.equals(that.id)
            && type.equals(that.type)
            && contentType.equals(that.contentType)
            && Objects.equals(group, that.group)
            && priority == that.priority
            && headers.equals(that.headers)
            && Objects.equals(correlationId, that.correlationId)
            && Objects.equals(causationId, that.causationId)
            && Objects.equals(replyTo, that.replyTo)
            && createdAt.equals(that.createdAt)
            && Objects.equals(expiresAt, that.expiresAt)
            && Objects.deepEquals(payload, that.payload));
  }

  @Override
  public int hashCode() {
    return id.hashCode();
  }

  /** Id, type, group, and how much there is of what is not shown: headers and payload. */
  @Override
  public String toString() {
    return "Message[id="
        + id
        + ", type="
        + type
        + (group == null ? "" : ", group=" + group)
        + ", headers="
        + headers.size()
        + ", payload="
        + size(payload)
        + ']';
  }

  private <R> Builder<R> copy(R payload) {
    Builder<R> builder = new Builder<>(payload);
    builder.id = id;
    builder.type = type;
    builder.contentType = contentType;
    builder.group = group;
    builder.priority = priority;
    builder.headers = headers;
    builder.correlationId = correlationId;
    builder.causationId = causationId;
    builder.replyTo = replyTo;
    builder.createdAt = createdAt;
    builder.expiresAt = expiresAt;
    return builder;
  }

  private <R> Builder<R> derive(R payload) {
    return copy(payload)
        .correlationId(correlationId == null ? id : correlationId)
        .causationId(id)
        .replyTo(null);
  }

  private Headers traceHeaders() {
    Headers trace = Headers.empty();
    for (String name : new String[] {"traceparent", "tracestate"}) {
      String value = headers.get(name);
      if (value != null) {
        trace = trace.with(name, value);
      }
    }
    return trace;
  }

  private static String size(Object payload) {
    if (payload instanceof byte[] bytes) {
      return bytes.length + " bytes";
    }
    if (payload instanceof CharSequence text) {
      return text.length() + " characters";
    }
    return payload.getClass().getSimpleName();
  }

  private static <R> R requirePayload(R payload) {
    return Objects.requireNonNull(payload, "payload");
  }

  private static String requireContentType(String contentType) {
    return Text.require("contentType", contentType, Text.MAX_CHARS);
  }

  private static Instant requireTime(String what, Instant time) {
    if (time.isBefore(MIN_TIME) || time.isAfter(MAX_TIME)) {
      throw new IllegalArgumentException(
          what + ": " + time + " (expected: in the years 0001..9999)");
    }
    return time;
  }

  /**
   * Collects the fields of a message. Each method replaces what was set before and checks it at
   * once. Not thread-safe; may be used for several messages.
   *
   * @param <T> the type of the payload
   */
  public static final class Builder<T> {

    private final T payload;
    private @Nullable String id;
    private String type = DEFAULT_TYPE;
    private String contentType = DEFAULT_CONTENT_TYPE;
    private @Nullable String group;
    private int priority = DEFAULT_PRIORITY;
    private Headers headers = Headers.empty();
    private @Nullable String correlationId;
    private @Nullable String causationId;
    private @Nullable ReplyTo replyTo;
    private @Nullable Instant createdAt;
    private @Nullable Instant expiresAt;

    private Builder(T payload) {
      this.payload = requirePayload(payload);
    }

    /** The id. Defaults to a fresh one, see {@link MessageIds#next()}. */
    public Builder<T> id(String id) {
      this.id = Text.require("id", id, Text.MAX_CHARS);
      return this;
    }

    /** The logical type. Defaults to {@value Message#DEFAULT_TYPE}. */
    public Builder<T> type(String type) {
      this.type = Text.require("type", type, Text.MAX_CHARS);
      return this;
    }

    /** The media type of the payload. Defaults to {@value Message#DEFAULT_CONTENT_TYPE}. */
    public Builder<T> contentType(String contentType) {
      this.contentType = requireContentType(contentType);
      return this;
    }

    /** The group within which order is kept. Defaults to {@code null}: no order. */
    public Builder<T> group(@Nullable String group) {
      this.group = Text.requireOrNull("group", group, Text.MAX_GROUP_CHARS);
      return this;
    }

    /** The urgency, 0..9. Defaults to {@value Message#DEFAULT_PRIORITY}. */
    public Builder<T> priority(int priority) {
      if (priority < MIN_PRIORITY || priority > MAX_PRIORITY) {
        throw new IllegalArgumentException("priority: " + priority + " (expected: 0..9)");
      }
      this.priority = priority;
      return this;
    }

    /**
     * One more header, or another value for one that is there.
     *
     * @see Headers#with
     */
    public Builder<T> header(String name, String value) {
      this.headers = headers.with(name, value);
      return this;
    }

    /** All headers. Defaults to none. */
    public Builder<T> headers(Headers headers) {
      this.headers = Objects.requireNonNull(headers, "headers");
      return this;
    }

    /** The id of the conversation. Defaults to {@code null}. */
    public Builder<T> correlationId(@Nullable String correlationId) {
      this.correlationId = Text.requireOrNull("correlationId", correlationId, Text.MAX_CHARS);
      return this;
    }

    /** The id of the message that gave rise to this one. Defaults to {@code null}. */
    public Builder<T> causationId(@Nullable String causationId) {
      this.causationId = Text.requireOrNull("causationId", causationId, Text.MAX_CHARS);
      return this;
    }

    /** Where a reply is awaited. Defaults to {@code null}: nowhere. */
    public Builder<T> replyTo(@Nullable ReplyTo replyTo) {
      this.replyTo = replyTo;
      return this;
    }

    /** When the message came into being. Defaults to now, in milliseconds. */
    public Builder<T> createdAt(Instant createdAt) {
      this.createdAt = requireTime("createdAt", createdAt);
      return this;
    }

    /** From when on the message is of no use. Defaults to {@code null}: it never expires. */
    public Builder<T> expiresAt(@Nullable Instant expiresAt) {
      this.expiresAt = expiresAt == null ? null : requireTime("expiresAt", expiresAt);
      return this;
    }

    /** The message. */
    public Message<T> build() {
      return new Message<>(
          this,
          id == null ? MessageIds.next() : id,
          createdAt == null ? Instant.ofEpochMilli(System.currentTimeMillis()) : createdAt);
    }
  }
}
