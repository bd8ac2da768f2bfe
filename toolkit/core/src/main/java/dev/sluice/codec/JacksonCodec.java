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

import dev.sluice.message.Message;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.ObjectWriter;
import tools.jackson.databind.exc.ValueInstantiationException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Payloads as JSON, with Jackson 3; the application brings {@code
 * tools.jackson.core:jackson-databind}.
 *
 * <p>Unreadable, beside what is not JSON or does not fit the type: the literal {@code null}, an
 * empty body, anything after the value, and nesting beyond the limit of the mapper (500 unless it
 * says otherwise). Properties the type does not know are ignored, so that senders may add some
 * before receivers know them; a mapper of one's own can be stricter. Default typing is refused: it
 * would let a message choose the classes to be made.
 *
 * <p>What makes bytes unreadable is described by type, position and property names, never by
 * values.
 *
 * @param <T> the type of the payload
 */
public final class JacksonCodec<T> implements PayloadCodec<T> {

  private static final int MAX_NAME_CHARS = 64;

  private final JavaType type;
  private final ObjectReader reader;
  private final ObjectWriter writer;

  private JacksonCodec(JsonMapper mapper, JavaType type) {
    if (mapper.deserializationConfig().getDefaultTyper(type) != null) {
      throw new IllegalArgumentException("mapper: default typing is on (expected: off)");
    }
    this.type = type;
    this.reader = mapper.readerFor(type).with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    this.writer = mapper.writerFor(type);
  }

  /** A codec with Jackson's default mapper. */
  public static <T> JacksonCodec<T> json(Class<T> type) {
    return json(JsonMapper.shared(), type);
  }

  /**
   * A codec with a mapper of one's own.
   *
   * @throws IllegalArgumentException if default typing is on in the mapper
   */
  public static <T> JacksonCodec<T> json(JsonMapper mapper, Class<T> type) {
    return new JacksonCodec<>(mapper, mapper.constructType(Objects.requireNonNull(type, "type")));
  }

  /**
   * A codec for a generic type, such as {@code new TypeReference<List<Bag>>() {}}.
   *
   * @throws IllegalArgumentException if default typing is on in the mapper
   */
  public static <T> JacksonCodec<T> json(JsonMapper mapper, TypeReference<T> type) {
    return new JacksonCodec<>(mapper, mapper.constructType(Objects.requireNonNull(type, "type")));
  }

  /**
   * The payload as JSON, in UTF-8.
   *
   * @throws JacksonException if the payload cannot be written
   */
  @Override
  public byte[] encode(Message<T> message) {
    return writer.writeValueAsBytes(message.payload());
  }

  /**
   * The payload that the JSON stands for.
   *
   * @throws UnreadablePayload if it stands for none; its cause is what a constructor of the
   *     application threw, if that is the reason, and otherwise {@code null}, since Jackson's
   *     exceptions quote the payload
   */
  @Override
  public T decode(Message<byte[]> message) {
    T payload;
    try {
      payload = reader.readValue(message.payload());
    } catch (ValueInstantiationException e) {
      throw unreadable(e, e.getCause());
    } catch (JacksonException e) {
      throw unreadable(e, null);
    } catch (RuntimeException e) {
      throw new UnreadablePayload(contentType(), "cannot be read as " + type.toCanonical(), e);
    }
    if (payload == null
        || (payload instanceof JsonNode node && (node.isNull() || node.isMissingNode()))) {
      throw new UnreadablePayload(
          contentType(), "null or nothing (expected: " + type.toCanonical() + ')', null);
    }
    return payload;
  }

  @Override
  public String contentType() {
    return "application/json";
  }

  private UnreadablePayload unreadable(JacksonException e, @Nullable Throwable cause) {
    StringBuilder problem = new StringBuilder("cannot be read as ").append(type.toCanonical());
    TokenStreamLocation location = e.getLocation();
    if (location != null && location.getLineNr() > 0) {
      problem
          .append(" at line ")
          .append(location.getLineNr())
          .append(", column ")
          .append(location.getColumnNr());
    }
    problem.append(", $");
    for (JacksonException.Reference step : e.getPath()) {
      if (step.getPropertyName() == null) {
        problem.append('[').append(step.getIndex()).append(']');
      } else {
        problem.append('.').append(isPublic(step) ? step.getPropertyName() : "*");
      }
    }
    problem.append(": ").append(e.getClass().getSimpleName());
    return new UnreadablePayload(contentType(), problem.toString(), cause);
  }

  /** Whether the name is that of a property. Keys of maps, and whatever is no name, are payload. */
  private static boolean isPublic(JacksonException.Reference step) {
    Object from = step.from();
    String name = step.getPropertyName();
    return !(from instanceof Map)
        && !(from instanceof Class<?> owner && Map.class.isAssignableFrom(owner))
        && name.length() <= MAX_NAME_CHARS
        && name.codePoints().allMatch(Character::isUnicodeIdentifierPart);
  }
}
