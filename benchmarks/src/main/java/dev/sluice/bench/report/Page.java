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
package dev.sluice.bench.report;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A page with parts that are written by a run: {@code <!-- seen: id -->} begins one, and {@code
 * <!-- /seen -->} ends it. What is around them is written by hand.
 */
record Page(Path file) {

  private static final String END = "<!-- /seen -->";

  /**
   * Writes a part anew.
   *
   * @throws IllegalStateException if the page has no such part, or not exactly one
   */
  void write(String id, String text) throws IOException {
    String begin = "<!-- seen: " + id + " -->";
    String page = Files.readString(file);
    int from = page.indexOf(begin);
    int to = page.indexOf(END, Math.max(0, from));
    if (from < 0 || to < 0 || page.indexOf(begin, from + 1) >= 0) {
      throw new IllegalStateException(
          file + ": " + begin + " … " + END + " (expected: once in the page)");
    }
    Files.writeString(
        file, page.substring(0, from + begin.length()) + "\n" + text + "\n" + page.substring(to));
  }

  /** Makes sure that a part could be written, before hours are spent on it. */
  void require(String id) throws IOException {
    String page = Files.readString(file);
    if (!page.contains("<!-- seen: " + id + " -->")) {
      throw new IllegalStateException(file + ": no part for " + id);
    }
  }
}
