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
package dev.sluice.postgres;

import dev.sluice.message.Message;
import dev.sluice.message.MessageIds;
import dev.sluice.message.WireFormat;
import io.r2dbc.spi.Readable;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A message as it was read from the tables. */
final class Stored {

  /** What a claim reads of a message, {@code m} being its table. */
  static final String COLUMNS =
      """
      m.id, m.headers::text as headers, m.body,
      (extract(epoch from m.expires_at - clock_timestamp()) * 1000000)::bigint as time_left
      """;

  final long id;
  final String headers;
  final byte[] body;
  private final long readAt = System.nanoTime();
  private final @Nullable Long microsLeft;

  Stored(Readable row) {
    this.id = Objects.requireNonNull(row.get("id", Long.class));
    this.headers = Objects.requireNonNull(row.get("headers", String.class));
    this.body = Objects.requireNonNull(row.get("body", byte[].class));
    this.microsLeft = row.get("time_left", Long.class);
  }

  /** By the clock of the database, which has said how much time was left. */
  boolean hasExpired() {
    return microsLeft != null && microsLeft <= (System.nanoTime() - readAt) / 1_000;
  }

  Message<byte[]> message(String channel, Instant receivedAt) {
    return WireFormat.read(
        body,
        HeaderJson.read(headers),
        new WireFormat.Fallback() {
          @Override
          public String id() {
            return MessageIds.derived(channel, Long.toString(id));
          }

          @Override
          public Instant time() {
            return receivedAt;
          }
        });
  }
}
