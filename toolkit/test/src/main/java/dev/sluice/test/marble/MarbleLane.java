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
package dev.sluice.test.marble;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One line of a diagram: what happens when. A column is a unit of time.
 *
 * @param name what the line is called
 * @param text the line itself, without its name
 * @param events what the text says
 */
record MarbleLane(String name, String text, List<Event> events) {

  /** What an event is. */
  enum Kind {
    /** An element: a letter, which is its colour and usually its key, and digits. */
    ELEMENT,
    /** An element that was discarded, with a tilde behind it. */
    DISCARDED,
    /** Several elements as one. */
    BATCH,
    COMPLETE,
    ERROR,
    CANCEL
  }

  record Event(int column, Kind kind, String label) {}

  private static final Pattern TOKEN =
      Pattern.compile("(?<element>[a-z][0-9]*)(?<gone>~)?|\\[(?<batch>[^\\[\\]]+)]|(?<mark>[|#!])");

  /**
   * Reads a line: its name, spaces, and the events.
   *
   * @throws IllegalArgumentException naming the column of what cannot be read
   */
  static MarbleLane parse(String line) {
    int end = line.indexOf(' ');
    if (end <= 0) {
      throw new IllegalArgumentException(
          "lane: \"" + line + "\" (expected: a name, spaces, events)");
    }
    int start = end;
    while (start < line.length() && line.charAt(start) == ' ') {
      start++;
    }
    List<Event> events = new ArrayList<>();
    Matcher token = TOKEN.matcher(line);
    for (int at = start; at < line.length(); ) {
      char c = line.charAt(at);
      if (c == '-' || c == ' ') {
        at++;
      } else if (token.find(at) && token.start() == at) {
        events.add(event(at - start, token));
        at = token.end();
      } else {
        throw new IllegalArgumentException(
            "column "
                + (at + 1)
                + " of \""
                + line
                + "\": '"
                + c
                + "' (expected: - a1 a1~ [a1 b1] | # !)");
      }
    }
    return new MarbleLane(
        line.substring(0, end), line.substring(start).stripTrailing(), List.copyOf(events));
  }

  private static Event event(int column, Matcher token) {
    String element = token.group("element");
    if (element != null) {
      boolean gone = token.group("gone") != null;
      return new Event(column, gone ? Kind.DISCARDED : Kind.ELEMENT, element);
    }
    String batch = token.group("batch");
    if (batch != null) {
      return new Event(column, Kind.BATCH, batch);
    }
    return switch (token.group("mark")) {
      case "|" -> new Event(column, Kind.COMPLETE, "|");
      case "#" -> new Event(column, Kind.ERROR, "#");
      default -> new Event(column, Kind.CANCEL, "!");
    };
  }
}
