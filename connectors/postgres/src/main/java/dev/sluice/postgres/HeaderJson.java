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
import dev.sluice.message.WireFormat;
import java.util.AbstractMap.SimpleImmutableEntry;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The headers of a message as a JSON object of texts, so that they can be read and queried in the
 * database. What strangers have written there is read as far as it is texts; anything else is a
 * value that is no text.
 */
final class HeaderJson {

  private final String json;
  private int at;

  private HeaderJson(String json) {
    this.json = json;
  }

  static String write(Message<byte[]> message) {
    StringBuilder json = new StringBuilder(256).append('{');
    WireFormat.write(
        message,
        (name, value) -> {
          if (json.length() > 1) {
            json.append(',');
          }
          quote(name, json);
          json.append(':');
          quote(value, json);
        });
    return json.append('}').toString();
  }

  private static void quote(String text, StringBuilder json) {
    json.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        json.append('\\').append(c);
      } else if (c < ' ') {
        json.append(String.format("\\u%04x", (int) c));
      } else {
        json.append(c);
      }
    }
    json.append('"');
  }

  /** Reads an object as PostgreSQL writes it, in its order. */
  static List<Map.Entry<String, @Nullable String>> read(String json) {
    List<Map.Entry<String, @Nullable String>> headers = new ArrayList<>();
    HeaderJson reader = new HeaderJson(json);
    if (!json.startsWith("{")) {
      return headers;
    }
    reader.at = 1;
    while (reader.skipTo('"')) {
      String name = reader.text();
      reader.skipTo(':');
      headers.add(new SimpleImmutableEntry<>(name, reader.value()));
    }
    return headers;
  }

  /** Stands at the character, or returns false at the end of the object. */
  private boolean skipTo(char wanted) {
    while (at < json.length() && json.charAt(at) != wanted) {
      at++;
    }
    return at < json.length();
  }

  private @Nullable String value() {
    at++; // the colon
    while (json.charAt(at) == ' ') {
      at++;
    }
    if (json.charAt(at) == '"') {
      return text();
    }
    int depth = 0;
    for (; at < json.length(); at++) {
      char c = json.charAt(at);
      if (c == '"') {
        text();
        at--;
      } else if (c == '{' || c == '[') {
        depth++;
      } else if (c == '}' || c == ']') {
        depth--;
      }
      if (depth < 0 || (depth == 0 && c == ',')) {
        break;
      }
    }
    return null;
  }

  /** From the opening quote to behind the closing one. */
  private String text() {
    int end = ++at;
    while (json.charAt(end) != '"' && json.charAt(end) != '\\') {
      end++;
    }
    if (json.charAt(end) == '"') { // nearly always
      String plain = json.substring(at, end);
      at = end + 1;
      return plain;
    }
    StringBuilder text = new StringBuilder();
    for (; json.charAt(at) != '"'; at++) {
      char c = json.charAt(at);
      text.append(c == '\\' ? escaped() : c);
    }
    at++;
    return text.toString();
  }

  /** From the backslash to the last character of the escape. */
  private char escaped() {
    char c = json.charAt(++at);
    return switch (c) {
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'u' -> {
        at += 4;
        yield (char) Integer.parseInt(json.substring(at - 3, at + 1), 16);
      }
      default -> c;
    };
  }
}
