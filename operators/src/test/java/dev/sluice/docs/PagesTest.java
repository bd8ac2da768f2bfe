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
package dev.sluice.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Code in a page is the code of a test, and links in a page lead somewhere. */
class PagesTest {

  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final Pattern SNIPPET =
      Pattern.compile("<!-- snippet: (\\S+)#(\\S+) -->\n```java\n(.*?)```", Pattern.DOTALL);
  private static final Pattern LINK = Pattern.compile("]\\((?!https?:|#)([^)#]+)");

  private static List<Path> pages() throws IOException {
    try (Stream<Path> docs = Files.walk(ROOT.resolve("docs"))) {
      List<Path> pages =
          new ArrayList<>(docs.filter(file -> file.toString().endsWith(".md")).toList());
      pages.add(ROOT.resolve("README.md"));
      pages.add(ROOT.resolve("CONTRIBUTING.md"));
      return pages;
    }
  }

  @Test
  void snippetsAreWhatTheTestsRun() throws IOException {
    int snippets = 0;
    for (Path page : pages()) {
      Matcher snippet = SNIPPET.matcher(Files.readString(page));
      while (snippet.find()) {
        assertThat(snippet.group(3))
            .as("%s: %s#%s", page, snippet.group(1), snippet.group(2))
            .isEqualTo(region(ROOT.resolve(snippet.group(1)), snippet.group(2)));
        snippets++;
      }
    }
    assertThat(snippets).isGreaterThanOrEqualTo(2);
  }

  @Test
  void linksLeadSomewhere() throws IOException {
    for (Path page : pages()) {
      Matcher link = LINK.matcher(Files.readString(page));
      while (link.find()) {
        assertThat(page.resolveSibling(link.group(1)))
            .as("link of %s", ROOT.relativize(page))
            .exists();
      }
    }
  }

  @Test
  void everyPatternPageHasTheSameHeadings() throws IOException {
    for (Path page : pages()) {
      if (page.getParent().endsWith("patterns")) {
        assertThat(Files.readAllLines(page).stream().filter(line -> line.startsWith("## ")))
            .as("headings of %s", page.getFileName())
            .containsExactly(
                "## The problem",
                "## In ten lines",
                "## What is guaranteed",
                "## Options",
                "## When something fails",
                "## What to watch",
                "## When not to use it");
      }
    }
  }

  /** The lines between the marks of a region, without their common indentation. */
  private static String region(Path file, String name) throws IOException {
    List<String> lines = Files.readAllLines(file);
    List<String> region = new ArrayList<>();
    boolean inside = false;
    for (String line : lines) {
      if (line.strip().equals("// #region " + name)) {
        inside = true;
      } else if (inside && line.strip().equals("// #endregion")) {
        return String.join("\n", region).stripTrailing().stripIndent() + "\n";
      } else if (inside) {
        region.add(line);
      }
    }
    throw new AssertionError(file + " has no region " + name);
  }
}
