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

import java.time.DateTimeException;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One message being read: takes its headers one by one, judges them at the end. */
final class WireReading {

  private static final int MAX_RESERVED_COUNT = 32;
  private static final int MAX_RESERVED_BYTES = 16 * 1024;
  private static final int MAX_REPORTED = 16;

  private final WireFormat.Fallback fallback;
  private final HeaderAssembly headers = new HeaderAssembly(Headers.empty());
  private @Nullable Set<String> malformed;

  private @Nullable String version;
  private @Nullable String id;
  private @Nullable String type;
  private @Nullable String time;
  private @Nullable String group;
  private @Nullable String contentType;
  private @Nullable String priority;
  private @Nullable String correlation;
  private @Nullable String causation;
  private @Nullable String replyTo;
  private @Nullable String replyToken;
  private @Nullable String expires;

  WireReading(WireFormat.Fallback fallback) {
    this.fallback = fallback;
  }

  void take(String name, @Nullable String value) {
    String lower = name.toLowerCase(Locale.ROOT);
    if (value == null) {
      report(Attributes.isAttribute(name) ? lower : name);
      return;
    }
    switch (lower) {
      case Attributes.SPEC_VERSION -> version = only(lower, version, value);
      case Attributes.ID -> id = only(lower, id, value);
      case Attributes.TYPE -> type = only(lower, type, value);
      case Attributes.TIME -> time = only(lower, time, value);
      case Attributes.GROUP -> group = only(lower, group, value);
      case Attributes.CONTENT_TYPE -> contentType = only(lower, contentType, value);
      case Attributes.PRIORITY -> priority = only(lower, priority, value);
      case Attributes.CORRELATION -> correlation = only(lower, correlation, value);
      case Attributes.CAUSATION -> causation = only(lower, causation, value);
      case Attributes.REPLY_TO -> replyTo = only(lower, replyTo, value);
      case Attributes.REPLY_TOKEN -> replyToken = only(lower, replyToken, value);
      case Attributes.EXPIRES -> expires = only(lower, expires, value);
      default -> takeHeader(name, value);
    }
  }

  Message<byte[]> message(byte[] body) {
    Message.Builder<byte[]> message =
        Message.builder(body)
            .id(id())
            .type(textOr(Attributes.TYPE, type, Message.DEFAULT_TYPE))
            .createdAt(createdAt())
            .group(group())
            .contentType(textOr(Attributes.CONTENT_TYPE, contentType, Message.DEFAULT_CONTENT_TYPE))
            .priority(priority())
            .correlationId(text(Attributes.CORRELATION, correlation))
            .causationId(text(Attributes.CAUSATION, causation))
            .replyTo(replyTo())
            .expiresAt(instant(Attributes.EXPIRES, expires));
    if (version != null && !version.equals(WireFormat.VERSION)) {
      report(Attributes.SPEC_VERSION);
    }
    if (malformed != null) {
      headers.put(WireFormat.MALFORMED, String.join(",", malformed));
    }
    return message.headers(headers.build()).build();
  }

  private String id() {
    if (id == null) {
      return fallback.id();
    }
    if (id.isBlank()) {
      report(Attributes.ID);
      return fallback.id();
    }
    return textOrStandIn(Attributes.ID, id, Text.MAX_CHARS);
  }

  private @Nullable String group() {
    String key = group == null ? fallback.group() : group;
    return key == null ? null : textOrStandIn(Attributes.GROUP, key, Text.MAX_GROUP_CHARS);
  }

  private Instant createdAt() {
    Instant stated = instant(Attributes.TIME, time);
    if (stated != null) {
      return stated;
    }
    Instant known = fallback.time();
    return known.isBefore(Message.MIN_TIME)
        ? Message.MIN_TIME
        : known.isAfter(Message.MAX_TIME) ? Message.MAX_TIME : known;
  }

  private int priority() {
    if (priority == null) {
      return Message.DEFAULT_PRIORITY;
    }
    int stated;
    try {
      stated = Integer.parseInt(priority);
    } catch (NumberFormatException e) {
      report(Attributes.PRIORITY);
      return Message.DEFAULT_PRIORITY;
    }
    int nearest = Math.max(Message.MIN_PRIORITY, Math.min(stated, Message.MAX_PRIORITY));
    if (nearest != stated) {
      report(Attributes.PRIORITY);
    }
    return nearest;
  }

  private @Nullable ReplyTo replyTo() {
    String channel = text(Attributes.REPLY_TO, replyTo);
    String token = text(Attributes.REPLY_TOKEN, replyToken);
    if (channel == null) {
      if (token != null) {
        report(Attributes.REPLY_TOKEN);
      }
      return null;
    }
    return new ReplyTo(channel, token);
  }

  private @Nullable Instant instant(String name, @Nullable String value) {
    if (value == null) {
      return null;
    }
    try {
      Instant instant = DateTimeFormatter.ISO_OFFSET_DATE_TIME.parse(value, Instant::from);
      if (!instant.isBefore(Message.MIN_TIME) && !instant.isAfter(Message.MAX_TIME)) {
        return instant;
      }
    } catch (DateTimeException e) {
      // reported below, like a time out of range
    }
    report(name);
    return null;
  }

  private @Nullable String text(String name, @Nullable String value) {
    if (value == null || Text.flaw(value, Text.MAX_CHARS) == null) {
      return value;
    }
    report(name);
    return null;
  }

  private String textOr(String name, @Nullable String value, String otherwise) {
    String text = text(name, value);
    return text == null ? otherwise : text;
  }

  private String textOrStandIn(String name, String value, int maxChars) {
    if (Text.flaw(value, maxChars) == null) {
      return value;
    }
    report(name);
    return MessageIds.derived(name, value);
  }

  private void takeHeader(String name, String value) {
    if (name.equalsIgnoreCase(WireFormat.SOURCE) && value.equals(WireFormat.DEFAULT_SOURCE)) {
      return;
    }
    if (Headers.isReserved(name)
        && (headers.reservedCount() >= MAX_RESERVED_COUNT
            || headers.reservedBytes() + Text.utf8Bytes(value) > MAX_RESERVED_BYTES)) {
      report(name);
      return;
    }
    int before = headers.size();
    if (headers.put(name, value) != null || headers.size() == before) {
      report(name);
    }
  }

  /** The later of two values; that there were two is reported. */
  private String only(String name, @Nullable String before, String value) {
    if (before != null) {
      report(name);
    }
    return value;
  }

  private void report(String name) {
    if (malformed == null) {
      malformed = new LinkedHashSet<>();
    }
    if (malformed.size() < MAX_REPORTED) {
      malformed.add(HeaderAssembly.nameFlaw(name) == null ? name : "?");
    } else if (!malformed.contains(name)) {
      malformed.add("...");
    }
  }
}
