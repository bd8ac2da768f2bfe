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
package dev.sluice.demo.problem;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.json.JsonMapper;

/**
 * The fields of a JSON object that came with a request, and all that is wrong with them: they are
 * looked at one after the other, and the caller hears of every mistake at once. For one thread.
 */
public final class JsonFields {

  private static final ObjectReader JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build()
          .readerFor(JsonNode.class);

  private final JsonNode object;
  private final List<FieldError> errors = new ArrayList<>();

  private JsonFields(JsonNode object) {
    this.object = object;
  }

  /**
   * The fields of a body.
   *
   * @param example a body that would do, to be shown
   * @param known the fields there are; another one is a mistake
   * @throws Problem 400 if the body is not a JSON object
   */
  public static JsonFields read(byte[] body, String example, List<String> known) {
    JsonFields fields = new JsonFields(object(body, "a JSON object such as " + example));
    for (String name : fields.object.propertyNames()) {
      if (!known.contains(name)) {
        fields.wrong(FieldError.of("body", "a field nobody knows", "only " + listed(known)));
        break;
      }
    }
    return fields;
  }

  private static JsonNode object(byte[] body, String expected) {
    JsonNode node;
    try {
      node = JSON.readTree(body);
    } catch (JacksonException e) {
      TokenStreamLocation at = e.getLocation();
      String where =
          at == null ? "" : " at line " + at.getLineNr() + ", column " + at.getColumnNr();
      throw Problem.malformed(List.of(FieldError.of("body", "malformed JSON" + where, expected)));
    }
    if (!node.isObject()) {
      String what = node.isMissingNode() ? "empty" : "not an object";
      throw Problem.malformed(List.of(FieldError.of("body", what, expected)));
    }
    return node;
  }

  private static String listed(List<String> names) {
    int last = names.size() - 1;
    return last == 0
        ? names.get(0)
        : String.join(", ", names.subList(0, last)) + " and " + names.get(last);
  }

  /** A text that must be there; null, and told, if it is not. */
  public @Nullable String text(String field, String expected) {
    return text(field, expected, true);
  }

  /** A text that may be there; null if it is not, and told if it is something else. */
  public @Nullable String optionalText(String field, String expected) {
    return text(field, expected, false);
  }

  private @Nullable String text(String field, String expected, boolean required) {
    JsonNode value = object.path(field);
    if (value.isMissingNode() || value.isNull()) {
      if (required) {
        wrong(FieldError.missing(field, expected));
      }
      return null;
    }
    if (!value.isString()) {
      wrong(FieldError.of(field, "not a text", expected));
      return null;
    }
    return value.stringValue();
  }

  /** Something is wrong. */
  public void wrong(FieldError error) {
    errors.add(error);
  }

  /** Whether nothing is wrong so far. */
  public boolean valid() {
    return errors.isEmpty();
  }

  /** What to answer with: 422. */
  public Problem problem() {
    return Problem.unprocessable(errors);
  }
}
