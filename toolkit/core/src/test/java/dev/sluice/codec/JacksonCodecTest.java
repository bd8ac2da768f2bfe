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
package dev.sluice.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.message.Message;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.DefaultTyping;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.jsontype.BasicPolymorphicTypeValidator;

class JacksonCodecTest {

  record Bag(String tag, int weight, Instant seen) {

    Bag {
      if (weight < 0) {
        throw new IllegalArgumentException("weight: " + weight + " (expected: >= 0)");
      }
    }
  }

  record Cart(List<Bag> bags, Map<String, Integer> counts) {}

  private final JacksonCodec<Bag> codec = JacksonCodec.json(Bag.class);

  private static Message<byte[]> json(String json) {
    return Message.of(json.getBytes(StandardCharsets.UTF_8));
  }

  private static UnreadablePayload refusal(PayloadCodec<?> codec, String json) {
    UnreadablePayload refusal =
        catchThrowableOfType(UnreadablePayload.class, () -> codec.decode(json(json)));
    assertThat(refusal).as(json).isNotNull();
    return refusal;
  }

  @Nested
  class Values {

    @Test
    void comeThrough() {
      Bag bag = new Bag("0220 Grüße 🧳", 23, Instant.parse("2026-03-01T12:00:00.5Z"));
      byte[] bytes = codec.encode(Message.of(bag));

      assertThat(new String(bytes, StandardCharsets.UTF_8))
          .isEqualTo(
              "{\"tag\":\"0220 Grüße 🧳\",\"weight\":23,\"seen\":\"2026-03-01T12:00:00.500Z\"}");
      assertThat(codec.decode(Message.of(bytes))).isEqualTo(bag);
      assertThat(codec.contentType()).isEqualTo("application/json");
    }

    @Test
    void mayBeOfAGenericType() {
      JacksonCodec<List<Bag>> bags =
          JacksonCodec.json(JsonMapper.shared(), new TypeReference<List<Bag>>() {});
      List<Bag> two = List.of(new Bag("1", 1, Instant.EPOCH), new Bag("2", 2, Instant.EPOCH));

      assertThat(bags.decode(Message.of(bags.encode(Message.of(two))))).isEqualTo(two);
    }

    @Test
    void mayHavePropertiesThatTheTypeDoesNotKnow() {
      assertThat(codec.decode(json("{\"tag\":\"1\",\"weight\":2,\"colour\":\"red\"}")))
          .isEqualTo(new Bag("1", 2, null));
    }

    @Test
    void areReadOnThreadsThatMustNotBlock() {
      Bag bag =
          Mono.fromCallable(
                  () ->
                      JacksonCodec.json(JsonMapper.builder().build(), Bag.class)
                          .decode(json("{\"tag\":\"1\",\"weight\":2}")))
              .subscribeOn(Schedulers.parallel())
              .block();

      assertThat(bag).isEqualTo(new Bag("1", 2, null));
    }
  }

  @Nested
  class Refusals {

    @ParameterizedTest
    @ValueSource(
        strings = {
          "",
          " ",
          "null",
          " null ",
          "{",
          "bag",
          "42",
          "[]",
          "{\"weight\":\"heavy\"}",
          "{\"weight\":null}",
          "{\"weight\":-1}",
          "{\"seen\":\"yesterday\"}",
          "{\"weight\":1} {\"weight\":2}",
          "{\"weight\":1}]",
          "{\"weight\":1}x",
          "{\"weight\":1,}",
          "{'weight':1}",
          "{\"weight\":1}//",
          "\uFFFD"
        })
    void coverWhateverIsNoBag(String json) {
      assertThat(refusal(codec, json))
          .hasMessageStartingWith("application/json: ")
          .hasMessageContaining("Bag");
    }

    @Test
    void coverBytesThatAreNotUtf8() {
      byte[] bytes = "{\"tag\":\"x\",\"weight\":1}".getBytes(StandardCharsets.UTF_8);
      bytes[8] = (byte) 0xff;

      assertThatExceptionOfType(UnreadablePayload.class)
          .isThrownBy(() -> codec.decode(Message.of(bytes)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"[", "{\"a\":"})
    void coverNestingThatWouldExhaustTheStack(String open) {
      for (PayloadCodec<?> any :
          List.of(codec, JacksonCodec.json(Object.class), JacksonCodec.json(JsonNode.class))) {
        refusal(any, open.repeat(100_000));
      }
      refusal(codec, "{\"unknown\":" + "[".repeat(100_000));
    }

    @Test
    void coverNumbersThatWouldTakeForever() {
      refusal(JacksonCodec.json(BigInteger.class), "9".repeat(1_000_000));
      refusal(JacksonCodec.json(BigInteger.class), "1e1000000000");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "null"})
    void coverNothingForTreesToo(String json) {
      refusal(JacksonCodec.json(JsonNode.class), json);
    }

    @Test
    void holdForALaxMapperToo() {
      JsonMapper lax =
          JsonMapper.builder().disable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

      refusal(JacksonCodec.json(lax, Bag.class), "{\"weight\":1} {}");
    }

    @Test
    void ofDefaultTypingComeWhenTheCodecIsMade() {
      JsonMapper.Builder builder = JsonMapper.builder();
      builder.activateDefaultTyping(
          BasicPolymorphicTypeValidator.builder().allowIfBaseType(Object.class).build(),
          DefaultTyping.NON_FINAL);

      assertThatIllegalArgumentException()
          .isThrownBy(() -> JacksonCodec.json(builder.build(), Bag.class))
          .withMessage("mapper: default typing is on (expected: off)");
    }

    @Test
    void doNotLetTheMessageChooseAClass() {
      Object read =
          JacksonCodec.json(Object.class)
              .decode(json("[\"java.util.ArrayList\",{\"@class\":\"java.io.File\"}]"));

      assertThat(read).isEqualTo(List.of("java.util.ArrayList", Map.of("@class", "java.io.File")));
    }
  }

  @Nested
  class Descriptions {

    @Test
    void sayWhatWasExpectedAndWhere() {
      assertThat(refusal(codec, "{\n  \"weight\": \"heavy\"}"))
          .hasMessage(
              "application/json: cannot be read as dev.sluice.codec.JacksonCodecTest$Bag"
                  + " at line 2, column 13, $.weight: InvalidFormatException");
      assertThat(
              refusal(JacksonCodec.json(Cart.class), "{\"bags\":[{\"weight\":1},{\"weight\":[]}]}"))
          .hasMessageContaining(", $.bags[1].weight: ");
    }

    @Test
    void ofAConstructorThatRefusedCarryItsReason() {
      assertThat(refusal(codec, "{\"weight\":-1}"))
          .hasCauseInstanceOf(IllegalArgumentException.class)
          .hasRootCauseMessage("weight: -1 (expected: >= 0)");
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "s3cret",
          "\"s3cret\"",
          "{\"tag\":s3cret}",
          "{\"weight\":\"s3cret\"}",
          "{\"seen\":\"s3cret\"}",
          "{\"bags\":\"s3cret\"}",
          "{\"counts\":{\"s3cret\":\"x\"}}",
          "{\"counts\":{\"s3cret\":{}}}",
          "{\"bags\":[{\"seen\":\"s3cret\"}]}",
          "{\"weight\":1} s3cret"
        })
    void neverQuoteThePayload(String json) {
      for (PayloadCodec<?> any : List.of(codec, JacksonCodec.json(Cart.class))) {
        UnreadablePayload refusal;
        try {
          any.decode(json(json));
          continue; // not every text is wrong for both types
        } catch (UnreadablePayload e) {
          refusal = e;
        }
        StringWriter printed = new StringWriter();
        refusal.printStackTrace(new PrintWriter(printed));
        assertThat(printed.toString()).doesNotContain("s3cret");
      }
    }
  }
}
