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

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Makes message ids: fresh ones that sort by time, and derived ones that come out the same each
 * time.
 *
 * <p>Ids are unique, not secret: whoever has seen some can guess others. Do not use one as a
 * password, a capability or a file name that must not be found.
 *
 * <p>Thread-safe; nothing here blocks.
 */
public final class MessageIds {

  /** The namespace of namespaces that are not UUIDs themselves. */
  private static final UUID ROOT = UUID.fromString("6f1d3a52-9c0e-4b7f-8a55-2f6f0f9f7c31");

  /*
   * A tick is the millisecond (48 bits) and a counter within it (12 bits). Each tick is handed out
   * once, in order; when the counter is used up or the clock goes back, ticks run ahead of the
   * clock (RFC 9562, 6.2).
   */
  private static final AtomicLong LAST_TICK = new AtomicLong();

  private MessageIds() {}

  /**
   * A fresh id: a UUID of version 7 (RFC 9562).
   *
   * <p>Within a process ids are strictly increasing, as texts too, in the order of the calls. Above
   * 4096 ids in a millisecond, or after the clock was set back, their time runs ahead of the clock
   * until it catches up.
   */
  public static String next() {
    long tick =
        LAST_TICK.accumulateAndGet(
            System.currentTimeMillis() << 12, (last, now) -> Math.max(last + 1, now));
    long high = (tick >>> 12 << 16) | 0x7000 | (tick & 0xFFF);
    long low = 0x8000_0000_0000_0000L | (Seed.bits(tick) >>> 2);
    return new UUID(high, low).toString();
  }

  /**
   * The id that belongs to a name: a UUID of version 5 (RFC 9562), always the same for the same
   * arguments. A connector makes the id of a message that has none from its position; a split makes
   * the ids of the parts from that of the whole.
   *
   * @param namespace where the name is unique: the id of another message, a channel and partition,
   *     …; a UUID in its usual lower-case form is used as the namespace it is, any other text
   *     stands for a namespace of its own
   * @param name any text
   */
  public static String derived(String namespace, String name) {
    UUID uuid = uuid(namespace);
    return version5(uuid == null ? version5(ROOT, namespace) : uuid, name).toString();
  }

  private static UUID version5(UUID namespace, String name) {
    ByteBuffer prefix = ByteBuffer.allocate(16);
    prefix.putLong(namespace.getMostSignificantBits());
    prefix.putLong(namespace.getLeastSignificantBits());
    MessageDigest digest = Seed.digest("SHA-1");
    digest.update(prefix.array());
    ByteBuffer hash = ByteBuffer.wrap(digest.digest(name.getBytes(StandardCharsets.UTF_8)));
    long high = (hash.getLong() & ~0xF000L) | 0x5000;
    long low = (hash.getLong() & 0x3FFF_FFFF_FFFF_FFFFL) | 0x8000_0000_0000_0000L;
    return new UUID(high, low);
  }

  /**
   * The UUID that a text is, or {@code null}. Only the form that {@link UUID#toString} writes
   * counts: other spellings would be other ids with the same derived ones.
   */
  private static @Nullable UUID uuid(String text) {
    if (text.length() != 36 || text.charAt(8) != '-') {
      return null;
    }
    try {
      UUID uuid = UUID.fromString(text);
      return uuid.toString().equals(text) ? uuid : null;
    } catch (IllegalArgumentException e) {
      return null;
    }
  }
}
