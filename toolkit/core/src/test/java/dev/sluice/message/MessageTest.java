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
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class MessageTest {

  private static final Instant NOON = Instant.parse("2026-03-01T12:00:00.123456789Z");

  private static Message<String> complete() {
    return Message.builder("payload")
        .id("m-1")
        .type("bag.scanned")
        .group("LH400")
        .priority(7)
        .headers(Headers.of(trace()).with("tenant", "north").withReserved("sl-via", "bridge"))
        .correlationId("c-1")
        .causationId("m-0")
        .replyTo(new ReplyTo("replies", "instance-1"))
        .createdAt(NOON)
        .expiresAt(NOON.plusSeconds(60))
        .contentType("text/plain")
        .build();
  }

  private static Map<String, String> trace() {
    return Map.of("traceparent", "00-1");
  }

  @Nested
  class Defaults {

    @Test
    void fillEverythingButThePayload() {
      Instant before = Instant.ofEpochMilli(System.currentTimeMillis());
      Message<String> message = Message.of("hello");
      Instant after = Instant.ofEpochMilli(System.currentTimeMillis());

      assertThat(message.payload()).isEqualTo("hello");
      assertThat(message.id()).hasSize(36);
      assertThat(message.type()).isEqualTo("unknown");
      assertThat(message.contentType()).isEqualTo("application/octet-stream");
      assertThat(message.priority()).isEqualTo(4);
      assertThat(message.headers()).isSameAs(Headers.empty());
      assertThat(message.createdAt()).isBetween(before, after);
      assertThat(message.group()).isNull();
      assertThat(message.correlationId()).isNull();
      assertThat(message.causationId()).isNull();
      assertThat(message.replyTo()).isNull();
      assertThat(message.expiresAt()).isNull();
    }

    @Test
    void giveEachMessageOfABuilderItsOwnId() {
      Message.Builder<String> builder = Message.builder("hello");

      assertThat(builder.build().id()).isNotEqualTo(builder.build().id());
    }
  }

  @Nested
  class Copies {

    @Test
    void ofAnotherPayloadKeepAllElse() {
      Message<Integer> other = complete().withPayload(42);

      assertThat(other.payload()).isEqualTo(42);
      assertThat(other.withPayload("payload")).isEqualTo(complete());
    }

    @Test
    void ofAnotherPayloadMayChangeTheContentType() {
      Message<byte[]> bytes = complete().withPayload(new byte[] {1}, "application/x-bag");

      assertThat(bytes.contentType()).isEqualTo("application/x-bag");
      assertThat(bytes.withPayload("payload", "text/plain")).isEqualTo(complete());
    }

    @Test
    void throughTheBuilderAreEqual() {
      assertThat(complete().toBuilder().build()).isEqualTo(complete());
    }

    @Test
    void changeWhatTheySay() {
      Message<String> message = complete();

      assertThat(message.withType("t").type()).isEqualTo("t");
      assertThat(message.withGroup("g").group()).isEqualTo("g");
      assertThat(message.withGroup(null).group()).isNull();
      assertThat(message.withPriority(0).priority()).isZero();
      assertThat(message.withHeader("TENANT", "south").headers().get("tenant")).isEqualTo("south");
      assertThat(message.withHeaders(Headers.empty()).headers().isEmpty()).isTrue();
      assertThat(message.replyTo((ReplyTo) null).replyTo()).isNull();
      assertThat(message.replyTo(ReplyTo.channel("x")).replyTo()).isEqualTo(new ReplyTo("x", null));
      assertThat(message.expiringAt(null).expiresAt()).isNull();
      assertThat(message.expiringAt(NOON).expiresAt()).isEqualTo(NOON);
    }

    @Test
    void leaveTheOriginalAsItWas() {
      Message<String> message = complete();
      message.withType("t").withGroup("g").withPriority(0).withHeader("x", "y").expiringAt(null);
      message.toBuilder().id("other").build();

      assertThat(message).isEqualTo(complete());
    }
  }

  @Nested
  class Expiry {

    @Test
    void isCountedFromCreation() {
      assertThat(complete().expiring(Duration.ofMinutes(2)).expiresAt())
          .isEqualTo(NOON.plusSeconds(120));
    }

    @Test
    void beginsAtTheInstantItself() {
      Message<String> message = complete().expiringAt(NOON);

      assertThat(message.expired(at(NOON.minusNanos(1)))).isFalse();
      assertThat(message.expired(at(NOON))).isTrue();
      assertThat(message.expired(at(NOON.plusNanos(1)))).isTrue();
      assertThat(message.expiringAt(null).expired(at(Instant.MAX))).isFalse();
    }

    @Test
    void isNeitherNegativeNorBeyondTheCalendar() {
      assertThat(complete().expiring(Duration.ZERO).expired(at(NOON))).isTrue();
      assertThatIllegalArgumentException()
          .isThrownBy(() -> complete().expiring(Duration.ofNanos(-1)))
          .withMessage("timeToLive: PT-0.000000001S (expected: >= 0)");
      for (Duration tooLong :
          List.of(Duration.ofDays(365 * 8000), Duration.ofSeconds(Long.MAX_VALUE))) {
        assertThatIllegalArgumentException()
            .isThrownBy(() -> complete().expiring(tooLong))
            .withMessageContaining("expected: ");
      }
    }

    private Clock at(Instant now) {
      return Clock.fixed(now, ZoneOffset.UTC);
    }
  }

  @Nested
  class Replies {

    @Test
    void belongToTheConversationOfTheRequest() {
      Message<Integer> reply = complete().reply(42);

      assertThat(reply.payload()).isEqualTo(42);
      assertThat(reply.correlationId()).isEqualTo("c-1");
      assertThat(reply.causationId()).isEqualTo("m-1");
    }

    @Test
    void beginTheConversationIfTheRequestBelongsToNone() {
      Message<String> request = complete().toBuilder().correlationId(null).build();

      assertThat(request.reply(42).correlationId()).isEqualTo("m-1");
    }

    @Test
    void keepTypeGroupPriorityContentTypeAndTrace() {
      Message<Integer> reply = complete().reply(42);

      assertThat(reply.type()).isEqualTo("bag.scanned");
      assertThat(reply.group()).isEqualTo("LH400");
      assertThat(reply.priority()).isEqualTo(7);
      assertThat(reply.contentType()).isEqualTo("text/plain");
      assertThat(reply.headers()).isEqualTo(Headers.of(trace()));
    }

    @Test
    void areNewMessages() {
      Message<Integer> reply = complete().reply(42);

      assertThat(reply.id()).isNotEqualTo(complete().reply(42).id()).isNotEqualTo("m-1");
      assertThat(reply.createdAt()).isAfter(NOON);
      assertThat(reply.expiresAt()).isNull();
      assertThat(reply.replyTo()).isNull();
    }
  }

  @Nested
  class Children {

    @Test
    void areTheSameEachTime() {
      assertThat(complete().child("1", 42)).isEqualTo(complete().child("1", 42));
    }

    @Test
    void differBySuffixAndParent() {
      assertThat(complete().child("1", 42).id())
          .isNotEqualTo(complete().child("2", 42).id())
          .isNotEqualTo(complete().toBuilder().id("m-2").build().child("1", 42).id())
          .isEqualTo(MessageIds.derived("m-1", "1"));
    }

    @Test
    void areCausedByTheParentAndShareItsConversation() {
      Message<Integer> child = complete().child("1", 42);

      assertThat(child.causationId()).isEqualTo("m-1");
      assertThat(child.correlationId()).isEqualTo("c-1");
      assertThat(Message.of("alone").toBuilder().id("m").build().child("1", 2).correlationId())
          .isEqualTo("m");
    }

    @Test
    void keepWhatIsNotAboutTheParentAlone() {
      Message<Integer> child = complete().child("1", 42);

      assertThat(child)
          .isEqualTo(
              complete().toBuilder()
                  .id(child.id())
                  .causationId("m-1")
                  .replyTo(null)
                  .headers(Headers.of(trace()).with("tenant", "north"))
                  .build()
                  .withPayload(42));
    }
  }

  @Nested
  class Joining {

    @Test
    void keepsWhatIsCommon() {
      Message<String> one = complete();
      Message<String> other = complete().toBuilder().id("m-2").build();
      Message<Integer> joined = Message.join(List.of(one, other), 2);
      assertThat(joined)
          .isEqualTo(
              Message.builder(2)
                  .id(MessageIds.derived("m-1", "m-1,m-2"))
                  .type("bag.scanned")
                  .group("LH400")
                  .priority(7)
                  .headers(Headers.of(trace()).with("tenant", "north"))
                  .correlationId("c-1")
                  .createdAt(one.createdAt())
                  .expiresAt(one.expiresAt())
                  .build());
    }

    @Test
    void dropsWhatIsNot() {
      Message<String> one =
          Message.builder("a").id("1").type("x").group("g").header("h", "1").build();
      Message<String> other =
          Message.builder("b").id("2").type("y").header("h", "2").header("i", "2").build();
      Message<String> joined = Message.join(List.of(one, other), "ab");
      assertThat(joined.type()).isEqualTo(Message.DEFAULT_TYPE);
      assertThat(joined.group()).isNull();
      assertThat(joined.correlationId()).isNull();
      assertThat(joined.headers().size()).isZero();
    }

    @Test
    void isAsUrgentAsTheMostUrgentAsYoungAsTheYoungestAndExpiresWithTheFirst() {
      Message<String> one =
          Message.builder("a").priority(2).createdAt(NOON).expiresAt(NOON.plusSeconds(9)).build();
      Message<String> other =
          Message.builder("b").priority(8).createdAt(NOON.minusSeconds(1)).build();
      Message<String> third =
          Message.builder("c")
              .createdAt(NOON.minusSeconds(2))
              .expiresAt(NOON.plusSeconds(5))
              .build();
      Message<String> joined = Message.join(List.of(one, other, third), "abc");
      assertThat(joined.priority()).isEqualTo(8);
      assertThat(joined.createdAt()).isEqualTo(NOON);
      assertThat(joined.expiresAt()).isEqualTo(NOON.plusSeconds(5));
    }

    @Test
    void messagesOfOneConversationStayInIt() {
      Message<String> root = Message.of("root");
      assertThat(
              Message.join(List.of(root.child("1", "a"), root.child("2", "b"), root), "ab")
                  .correlationId())
          .isEqualTo(root.id());
    }

    @Test
    void theOrderMatters() {
      Message<String> one = Message.of("a");
      Message<String> other = Message.of("b");
      assertThat(Message.join(List.of(one, other), "x").id())
          .isEqualTo(Message.join(List.of(one, other), "y").id())
          .isNotEqualTo(Message.join(List.of(other, one), "x").id());
    }

    @Test
    void needsAMember() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Message.join(List.of(), "none"))
          .withMessage("members: [] (expected: at least one)");
    }
  }

  @Nested
  class Equality {

    static List<UnaryOperator<Message.Builder<String>>> changes() {
      return List.of(
          b -> b.id("x"),
          b -> b.type("x"),
          b -> b.contentType("x"),
          b -> b.group("x"),
          b -> b.priority(0),
          b -> b.header("x", "x"),
          b -> b.correlationId("x"),
          b -> b.causationId("x"),
          b -> b.replyTo(ReplyTo.channel("x")),
          b -> b.createdAt(Instant.EPOCH),
          b -> b.expiresAt(Instant.EPOCH));
    }

    @ParameterizedTest
    @MethodSource("changes")
    void seesEachField(UnaryOperator<Message.Builder<String>> change) {
      assertThat(change.apply(complete().toBuilder()).build()).isNotEqualTo(complete());
    }

    @Test
    void seesThePayload() {
      assertThat(complete().withPayload("other")).isNotEqualTo(complete());
      assertThat(complete().withPayload(new byte[] {1, 2}))
          .isEqualTo(complete().withPayload(new byte[] {1, 2}))
          .isNotEqualTo(complete().withPayload(new byte[] {1, 3}));
    }

    @Test
    void holdsForSeparateMessagesWithOneHash() {
      assertThat(complete()).isEqualTo(complete()).hasSameHashCodeAs(complete());
      assertThat(complete()).isNotEqualTo("m-1").isNotEqualTo(null);
    }
  }

  @Nested
  class Limits {

    @Test
    void ofPriority() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> complete().withPriority(11))
          .withMessage("priority: 11 (expected: 0..9)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Message.builder("x").priority(-1))
          .withMessage("priority: -1 (expected: 0..9)");
      assertThat(complete().withPriority(0).withPriority(9).priority()).isEqualTo(9);
    }

    @Test
    void ofTexts() {
      String longest = "x".repeat(256);
      assertThat(Message.builder("x").id(longest).type(longest).build().id()).isEqualTo(longest);
      assertThat(complete().withGroup("g".repeat(1024)).group()).hasSize(1024);

      assertThatIllegalArgumentException()
          .isThrownBy(() -> Message.builder("x").id(longest + "x"))
          .withMessage("id: 257 characters (expected: 1..256)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> complete().withGroup("g".repeat(1025)))
          .withMessage("group: 1025 characters (expected: 1..1024)");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "\u2003", "a\n", "\u0000", "\u007f", "\uD800", "x\uDC00y"})
    void excludeTextsThatWouldNotSurviveTheWireOrALog(String text) {
      assertRefused("id", () -> Message.builder("x").id(text));
      assertRefused("type", () -> complete().withType(text));
      assertRefused("group", () -> complete().withGroup(text));
      assertRefused("contentType", () -> complete().withPayload("x", text));
      assertRefused("contentType", () -> Message.builder("x").contentType(text));
      assertRefused("correlationId", () -> Message.builder("x").correlationId(text));
      assertRefused("causationId", () -> Message.builder("x").causationId(text));
      assertRefused("replyTo.channel", () -> new ReplyTo(text, null));
      assertRefused("replyTo.token", () -> new ReplyTo("x", text));
    }

    @Test
    void sayWhatIsWrongAndWhere() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Message.builder("x").id("ab\n"))
          .withMessage("id: U+000A at index 2 (expected: no control characters)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Message.builder("x").id(" "))
          .withMessage("id: blank (expected: 1..256 characters)");
    }

    @Test
    void ofTimes() {
      Instant first = Instant.parse("0001-01-01T00:00:00Z");
      Instant last = Instant.parse("9999-12-31T23:59:59.999999999Z");

      assertThat(Message.builder("x").createdAt(first).expiresAt(last).build().expiresAt())
          .isEqualTo(last);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Message.builder("x").createdAt(first.minusNanos(1)))
          .withMessage(
              "createdAt: 0000-12-31T23:59:59.999999999Z (expected: in the years 0001..9999)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Message.builder("x").expiresAt(last.plusNanos(1)));
    }

    @Test
    void excludeNulls() {
      assertThatNullPointerException().isThrownBy(() -> Message.of(null)).withMessage("payload");
      assertThatNullPointerException().isThrownBy(() -> complete().withPayload(null));
      assertThatNullPointerException().isThrownBy(() -> Message.builder("x").id(null));
      assertThatNullPointerException().isThrownBy(() -> Message.builder("x").headers(null));
    }

    private void assertRefused(String what, Runnable attempt) {
      assertThatIllegalArgumentException()
          .isThrownBy(attempt::run)
          .withMessageStartingWith(what + ": ")
          .withMessageContaining("expected: ");
    }
  }

  @Nested
  class Printing {

    @Test
    void showsNeitherPayloadNorHeaderValuesNorTokens() {
      Message<String> message = complete().withPayload("s3cret").withHeader("key", "s3cret");

      assertThat(message)
          .hasToString(
              "Message[id=m-1, type=bag.scanned, group=LH400, headers=4, payload=6 characters]");
      assertThat(new ReplyTo("replies", "s3cret")).hasToString("ReplyTo[channel=replies, token]");
      assertThat(ReplyTo.channel("replies")).hasToString("ReplyTo[channel=replies]");
    }

    @Test
    void showsTheSizeOfBytesAndTheClassOfObjects() {
      assertThat(complete().withPayload(new byte[12]).withGroup(null))
          .hasToString("Message[id=m-1, type=bag.scanned, headers=3, payload=12 bytes]");
      assertThat(complete().withPayload(List.of("s3cret")).toString()).doesNotContain("s3cret");
    }
  }
}
