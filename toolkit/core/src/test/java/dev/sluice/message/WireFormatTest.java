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

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.AbstractMap.SimpleImmutableEntry;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WireFormatTest {

  private static final byte[] BODY = {1, 2, 3};
  private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");

  /** What is on the wire, in order. */
  private static final class Wire {

    final List<Map.Entry<String, String>> entries = new ArrayList<>();

    static Wire of(Message<byte[]> message) {
      Wire wire = new Wire();
      WireFormat.write(message, wire::and);
      return wire;
    }

    Wire and(String name, String value) {
      entries.add(new SimpleImmutableEntry<>(name, value));
      return this;
    }

    Message<byte[]> read() {
      return read(new Position());
    }

    Message<byte[]> read(WireFormat.Fallback fallback) {
      return WireFormat.read(BODY, entries, fallback);
    }
  }

  /** A connector's fallback that counts how often it is asked. */
  private static class Position implements WireFormat.Fallback {

    int ids;
    int times;
    int groups;

    @Override
    public String id() {
      ids++;
      return "orders-3@17";
    }

    @Override
    public Instant time() {
      times++;
      return NOON;
    }

    @Override
    public String group() {
      groups++;
      return "key";
    }
  }

  private static Wire stranger() {
    return new Wire();
  }

  private static String malformed(Message<?> message) {
    return message.headers().get("sl-malformed");
  }

  @Nested
  class Writing {

    @Test
    void isCloudEventsInBinaryMode() {
      Message<byte[]> message =
          Message.builder(BODY)
              .id("m-1")
              .type("bag.scanned")
              .createdAt(NOON)
              .group("LH400")
              .contentType("application/json")
              .header("traceparent", "00-1")
              .build();

      assertThat(Wire.of(message).entries)
          .containsExactly(
              Map.entry("ce_specversion", "1.0"),
              Map.entry("ce_id", "m-1"),
              Map.entry("ce_source", "/sluice"),
              Map.entry("ce_type", "bag.scanned"),
              Map.entry("ce_time", "2026-03-01T12:00:00Z"),
              Map.entry("ce_partitionkey", "LH400"),
              Map.entry("content-type", "application/json"),
              Map.entry("traceparent", "00-1"));
    }

    @Test
    void addsOurOwnNamesForWhatCloudEventsDoesNotKnow() {
      Message<byte[]> message =
          Message.builder(BODY)
              .priority(9)
              .correlationId("c")
              .causationId("p")
              .replyTo(new ReplyTo("replies", "i-1"))
              .expiresAt(NOON)
              .build();

      assertThat(Wire.of(message).entries)
          .endsWith(
              Map.entry("sl-priority", "9"),
              Map.entry("sl-correlation", "c"),
              Map.entry("sl-causation", "p"),
              Map.entry("sl-reply-to", "replies"),
              Map.entry("sl-reply-token", "i-1"),
              Map.entry("sl-expires", "2026-03-01T12:00:00Z"));
    }

    @Test
    void takesTheSourceFromTheHeaders() {
      Message<byte[]> message = Message.of(BODY).withHeader("ce_source", "/airport");

      assertThat(Wire.of(message).entries)
          .contains(Map.entry("ce_source", "/airport"))
          .doesNotContain(Map.entry("ce_source", "/sluice"));
      assertThat(Wire.of(message).read().headers().get("ce_source")).isEqualTo("/airport");
    }
  }

  @Nested
  class RoundTrip {

    @Test
    void isLosslessForManyRandomMessages() {
      for (int seed = 0; seed < 2_000; seed++) {
        Message<byte[]> message = new RandomMessages(seed).next();
        Wire wire = Wire.of(message);
        Message<byte[]> read = WireFormat.read(message.payload(), wire.entries, new Position());

        assertThat(read).as("seed %s", seed).isEqualTo(message);
        assertThat(Wire.of(read).entries).as("seed %s", seed).isEqualTo(wire.entries);
      }
    }

    @Test
    void asksNothingOfTheFallbackButTheGroupThatIsMissing() {
      Position position = new Position();
      Wire.of(Message.of(BODY).withGroup("g")).read(position);

      assertThat(position.ids + position.times + position.groups).isZero();
    }

    @Test
    void survivesATransportThatChangesTheCaseOfNames() {
      Message<byte[]> message = new RandomMessages(1).next();
      Wire upper = new Wire();
      WireFormat.write(message, (n, v) -> upper.and(n.toUpperCase(Locale.ROOT), v));

      assertThat(WireFormat.read(message.payload(), upper.entries, new Position()))
          .isEqualTo(message);
    }

    @Test
    void ofAStrangersMessageChangesItOnlyOnce() {
      for (int seed = 0; seed < 2_000; seed++) {
        Message<byte[]> read = new RandomStrangers(seed).next().read();
        Message<byte[]> again = Wire.of(read).read();

        assertThat(again).as("seed %s", seed).isEqualTo(read);
      }
    }
  }

  @Nested
  class Strangers {

    @Test
    void withoutAnyHeadersGetDefaultsAndAreNotMalformed() {
      Position position = new Position();
      Message<byte[]> message = stranger().read(position);

      assertThat(message)
          .isEqualTo(Message.builder(BODY).id("orders-3@17").createdAt(NOON).group("key").build());
      assertThat(message.payload()).isSameAs(BODY);
      assertThat(position.ids).isEqualTo(1);
      assertThat(position.times).isEqualTo(1);
      assertThat(position.groups).isEqualTo(1);
    }

    @Test
    void keepTheirHeadersAndCloudEventsExtensions() {
      Message<byte[]> message =
          stranger()
              .and("ce_source", "/legacy")
              .and("ce_subject", "bag 7")
              .and("X-Tenant", "Grüße 東京 🧳\r\n")
              .and("sl-unheard-of", "1")
              .read();

      assertThat(message.headers())
          .containsExactly(
              Map.entry("ce_source", "/legacy"),
              Map.entry("ce_subject", "bag 7"),
              Map.entry("X-Tenant", "Grüße 東京 🧳\r\n"),
              Map.entry("sl-unheard-of", "1"));
    }

    @Test
    void areReadFromHeadersToo() {
      Headers headers = Headers.empty().with("a", "1");

      assertThat(WireFormat.read(BODY, headers, new Position()).headers()).isEqualTo(headers);
    }

    @ParameterizedTest
    @CsvSource({"11, 9", "-1, 0", "2147483647, 9", "0, 0", "9, 9", "+3, 3"})
    void haveTheNearestPriority(String stated, int priority) {
      Message<byte[]> message = stranger().and("sl-priority", stated).read();

      assertThat(message.priority()).isEqualTo(priority);
      boolean inRange = stated.length() < 3 && !stated.equals("11") && !stated.equals("-1");
      assertThat(malformed(message)).isEqualTo(inRange ? null : "sl-priority");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "high", "4.0", "99999999999999999999", " 5"})
    void haveTheDefaultPriorityIfTheirsIsNoNumber(String stated) {
      Message<byte[]> message = stranger().and("sl-priority", stated).read();

      assertThat(message.priority()).isEqualTo(4);
      assertThat(malformed(message)).isEqualTo("sl-priority");
    }

    @ParameterizedTest
    @CsvSource({
      "2026-03-01T13:00:00+01:00, 2026-03-01T12:00:00Z",
      "2026-03-01T12:00:00.123456789Z, 2026-03-01T12:00:00.123456789Z",
      "2026-03-01t12:00:00z, 2026-03-01T12:00:00Z"
    })
    void haveTimesInAnyZone(String stated, Instant time) {
      Message<byte[]> message = stranger().and("ce_time", stated).and("sl-expires", stated).read();

      assertThat(message.createdAt()).isEqualTo(time);
      assertThat(message.expiresAt()).isEqualTo(time);
      assertThat(malformed(message)).isNull();
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "",
          "yesterday",
          "2026-03-01",
          "2026-03-01T12:00:00",
          "2026-02-30T12:00:00Z",
          "1772366400000",
          "0000-12-31T23:59:59Z",
          "+10000-01-01T00:00:00Z",
          "-999999999-01-01T00:00:00+18:00",
          "9999-12-31T23:59:59-01:00"
        })
    void haveTheTimeOfTheTransportAndNeverExpireIfTheirTimesAreNone(String stated) {
      Message<byte[]> message = stranger().and("ce_time", stated).and("sl-expires", stated).read();

      assertThat(message.createdAt()).isEqualTo(NOON);
      assertThat(message.expiresAt()).isNull();
      assertThat(malformed(message)).isEqualTo("ce_time,sl-expires");
    }

    @Test
    void mayComeFromATransportWithAnAbsurdClock() {
      for (Instant absurd : List.of(Instant.MIN, Instant.MAX)) {
        Position position =
            new Position() {
              @Override
              public Instant time() {
                return absurd;
              }
            };
        Message<byte[]> message = stranger().read(position);

        assertThat(Wire.of(message).read().createdAt()).isEqualTo(message.createdAt());
      }
    }

    @Test
    void thatSendAnIdBeyondTheLimitsAreStillRecognised() {
      String tooLong = "i".repeat(257);
      Message<byte[]> message = stranger().and("ce_id", tooLong).read();

      assertThat(message.id())
          .isEqualTo(stranger().and("CE_ID", tooLong).read().id())
          .isNotEqualTo(stranger().and("ce_id", tooLong + "i").read().id())
          .isNotEqualTo("orders-3@17")
          .hasSize(36);
      assertThat(malformed(message)).isEqualTo("ce_id");
      assertThat(stranger().and("ce_id", "a\nb").read().id()).hasSize(36);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "  ", "\u2003"})
    void thatSendABlankIdGetTheFallback(String blank) {
      Message<byte[]> message = stranger().and("ce_id", blank).read();

      assertThat(message.id()).isEqualTo("orders-3@17");
      assertThat(malformed(message)).isEqualTo("ce_id");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "a\u0000b", "\uD800", "LONG"})
    void thatSendAGroupBeyondTheLimitsKeepTheirOrder(String text) {
      String group = text.equals("LONG") ? "g".repeat(100_000) : text;
      Message<byte[]> stated = stranger().and("ce_partitionkey", group).read();
      Message<byte[]> keyed =
          stranger()
              .read(
                  new Position() {
                    @Override
                    public String group() {
                      return group;
                    }
                  });

      assertThat(stated.group()).hasSize(36).isEqualTo(keyed.group());
      assertThat(malformed(stated)).isEqualTo("ce_partitionkey").isEqualTo(malformed(keyed));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "a\nb", "\u0000", "\uDC00", "LONG"})
    void loseTextsThatAreNone(String text) {
      String value = text.equals("LONG") ? "x".repeat(257) : text;
      Message<byte[]> message =
          stranger()
              .and("ce_type", value)
              .and("content-type", value)
              .and("sl-correlation", value)
              .and("sl-causation", value)
              .and("sl-reply-to", value)
              .and("sl-reply-token", "token")
              .read();

      assertThat(message.type()).isEqualTo("unknown");
      assertThat(message.contentType()).isEqualTo("application/octet-stream");
      assertThat(message.correlationId()).isNull();
      assertThat(message.causationId()).isNull();
      assertThat(message.replyTo()).isNull();
      assertThat(malformed(message))
          .isEqualTo("ce_type,content-type,sl-correlation,sl-causation,sl-reply-to,sl-reply-token");
    }

    @Test
    void ofAnotherSpecificationVersionAreReadAsFarAsTheyGo() {
      Message<byte[]> message = stranger().and("ce_specversion", "0.3").and("ce_id", "m-1").read();

      assertThat(message.id()).isEqualTo("m-1");
      assertThat(malformed(message)).isEqualTo("ce_specversion");
    }

    @Test
    void withSeveralValuesOfOneNameHaveTheLast() {
      Message<byte[]> message =
          stranger()
              .and("ce_id", "1")
              .and("tenant", "north")
              .and("CE_ID", "2")
              .and("Tenant", "south")
              .read();

      assertThat(message.id()).isEqualTo("2");
      assertThat(message.headers().get("tenant")).isEqualTo("south");
      assertThat(malformed(message)).isEqualTo("ce_id,Tenant");
    }

    @Test
    void withValuesThatAreNoTextLoseThem() {
      Message<byte[]> message =
          stranger().and("CE_ID", null).and("binary", null).and("a", "1").read();

      assertThat(message.id()).isEqualTo("orders-3@17");
      assertThat(message.headers().get("a")).isEqualTo("1");
      assertThat(message.headers().contains("binary")).isFalse();
      assertThat(malformed(message)).isEqualTo("ce_id,binary");
    }

    @Test
    void withNamesThatAreNoTokensLoseThemWithoutRepeatingThem() {
      Message<byte[]> message =
          stranger()
              .and("a b", "1")
              .and("", "2")
              .and("n".repeat(100_000), "3")
              .and("evil\r\nname", "4")
              .and("ok", "5")
              .read();

      assertThat(message.headers())
          .containsExactly(Map.entry("ok", "5"), Map.entry("sl-malformed", "?"));
    }

    @Test
    void withTooManyHeadersKeepTheFirst() {
      Wire wire = stranger();
      for (int i = 0; i < 10_000; i++) {
        wire.and("h" + i, "v").and("sl-x" + i, "v");
      }
      Message<byte[]> message = wire.read();

      assertThat(message.headers().ordinary().size()).isEqualTo(128);
      assertThat(message.headers().size()).isEqualTo(128 + 32 + 1);
      assertThat(message.headers().get("h127")).isEqualTo("v");
      assertThat(message.headers().get("sl-x31")).isEqualTo("v");
      assertThat(malformed(message)).startsWith("sl-x32,sl-x33,").endsWith(",...");
    }

    @Test
    void withHeadersThatAreTooBigKeepWhatFits() {
      Wire wire = stranger().and("one", "v".repeat(8193));
      for (int i = 0; i < 20; i++) {
        wire.and("h" + i, "京".repeat(2700)).and("sl-x" + i, "v".repeat(8000));
      }
      Message<byte[]> message = wire.and("last", "fits").read();

      assertThat(message.headers().contains("one")).isFalse();
      assertThat(message.headers().contains("h7")).isTrue();
      assertThat(message.headers().contains("h8")).isFalse();
      assertThat(message.headers().contains("sl-x1")).isTrue();
      assertThat(message.headers().contains("sl-x2")).isFalse();
      assertThat(message.headers().get("last")).isEqualTo("fits");
      assertThat(malformed(message)).startsWith("one,");
    }

    @Test
    void cannotForgeTheReport() {
      Message<byte[]> message =
          stranger().and("sl-malformed", "nothing").and("sl-priority", "x").read();

      assertThat(malformed(message)).isEqualTo("sl-priority");
    }

    @Test
    void areAlwaysReadable() {
      for (int seed = 0; seed < 3_000; seed++) {
        Message<byte[]> message = new RandomStrangers(seed).next().read();

        assertThat(message.payload()).isSameAs(BODY);
      }
    }
  }

  /** Messages with every field within its limits, and often at them. */
  private static final class RandomMessages {

    private final Random random;

    RandomMessages(int seed) {
      random = new Random(seed);
    }

    Message<byte[]> next() {
      byte[] body = new byte[random.nextInt(16)];
      random.nextBytes(body);
      Message.Builder<byte[]> message =
          Message.builder(body)
              .id(text(256))
              .type(text(256))
              .createdAt(time())
              .contentType(text(256))
              .priority(random.nextInt(10))
              .group(text(1024));
      if (random.nextBoolean()) {
        message.correlationId(text(256)).causationId(text(256)).expiresAt(time());
      }
      if (random.nextBoolean()) {
        message.replyTo(new ReplyTo(text(256), random.nextBoolean() ? text(256) : null));
      }
      Headers headers = Headers.empty();
      for (int i = random.nextInt(10); i > 0; i--) {
        String value = random.nextInt(8) == 0 ? "" : '\n' + text(900);
        headers =
            random.nextInt(4) == 0
                ? headers.withReserved("sl-x" + i, value)
                : headers.with("X-" + random.nextInt(20), value);
      }
      if (random.nextInt(4) == 0) {
        headers = headers.with("ce_source", text(50)).with("ce_subject", text(50));
      }
      return message.headers(headers).build();
    }

    private Instant time() {
      return Instant.ofEpochSecond(
          random.nextLong(-62_135_596_800L, 253_402_300_800L),
          random.nextBoolean() ? 0 : random.nextInt(1_000_000_000));
    }

    private String text(int maxChars) {
      int length = random.nextInt(4) == 0 ? maxChars : 1 + random.nextInt(12);
      StringBuilder text = new StringBuilder();
      while (text.length() < length) {
        int c = codePoint();
        if (text.length() + Character.charCount(c) <= length) {
          text.appendCodePoint(c);
        }
      }
      return text.toString().isBlank() ? "x" : text.toString();
    }

    private int codePoint() {
      int c =
          switch (random.nextInt(4)) {
            case 0 -> 0x80 + random.nextInt(0x780);
            case 1 -> random.nextInt(0x10000);
            case 2 -> 0x10000 + random.nextInt(0x100000);
            default -> ' ' + random.nextInt(95);
          };
      return Character.isISOControl(c) || (c >= 0xD800 && c <= 0xDFFF) ? 'x' : c;
    }
  }

  /** Headers as nobody should send them. */
  private static final class RandomStrangers {

    private static final List<String> NAMES =
        List.of(
            "ce_specversion",
            "ce_id",
            "CE_source",
            "ce_type",
            "ce_time",
            "ce_partitionkey",
            "Content-Type",
            "sl-priority",
            "sl-correlation",
            "sl-causation",
            "sl-reply-to",
            "sl-reply-token",
            "sl-expires",
            "sl-malformed",
            "traceparent",
            "",
            "a b");

    private final Random random;

    RandomStrangers(int seed) {
      random = new Random(seed);
    }

    Wire next() {
      Wire wire = new Wire();
      for (int i = random.nextInt(40); i > 0; i--) {
        String name = random.nextInt(3) > 0 ? NAMES.get(random.nextInt(NAMES.size())) : garbage(10);
        wire.and(name, random.nextInt(10) == 0 ? null : value());
      }
      return wire;
    }

    private String value() {
      return switch (random.nextInt(6)) {
        case 0 -> Integer.toString(random.nextInt());
        case 1 -> Instant.ofEpochSecond(random.nextLong(-1L << 40, 1L << 40)).toString();
        case 2 -> "";
        case 3 -> "1.0";
        default -> garbage(random.nextInt(10) == 0 ? 20_000 : 300);
      };
    }

    private String garbage(int maxChars) {
      StringBuilder text = new StringBuilder();
      int bits = 1 + random.nextInt(16);
      for (int i = random.nextInt(maxChars); i > 0; i--) {
        text.append((char) random.nextInt(1 << bits));
      }
      return text.toString();
    }
  }
}
