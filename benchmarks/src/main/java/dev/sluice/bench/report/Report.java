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
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Runs the benchmarks, one after the other, and writes what was seen into their page.
 *
 * <pre>
 * mvn -pl benchmarks -am -Preport verify -DskipTests
 * mvn -pl benchmarks -am -Preport verify -DskipTests -Dreport.args="briefly only=compete,gather"
 * </pre>
 */
public final class Report {

  private Report() {}

  /**
   * Runs.
   *
   * @param args the page, then {@code briefly} for fewer rounds and {@code only=} with the ids of
   *     the sections, unless it is to be all of them
   */
  public static void main(String[] args) throws IOException, InterruptedException {
    Path file = Path.of(args[0]).toAbsolutePath();
    List<String> options = Arrays.asList(args).subList(1, args.length);
    boolean briefly = options.contains("briefly");
    List<Section> sections = sections(options);
    Page page = new Page(file);
    for (Section section : sections) {
      page.require(section.id());
    }
    Path pictures = file.resolveSibling("benchmarks");
    for (Section section : sections) {
      String seen = section.run(briefly, pictures);
      page.write(section.id(), machine(briefly) + "\n\n" + seen);
    }
  }

  private static List<Section> sections(List<String> options) {
    List<String> ids = new ArrayList<>();
    for (String option : options) {
      if (option.startsWith("only=")) {
        ids.addAll(List.of(option.substring("only=".length()).split(",")));
      } else if (!option.equals("briefly")) {
        throw new IllegalArgumentException(
            "option: " + option + " (expected: briefly or only=id,id)");
      }
    }
    List<Section> chosen =
        Sections.ALL.stream().filter(s -> ids.isEmpty() || ids.contains(s.id())).toList();
    if (!ids.isEmpty() && chosen.size() != ids.size()) {
      throw new IllegalArgumentException(
          "only: "
              + ids
              + " (expected: of "
              + Sections.ALL.stream().map(Section::id).toList()
              + ")");
    }
    return chosen;
  }

  /** Where and when, and how busy it was: what is seen depends on it. */
  private static String machine(boolean briefly) {
    return String.format(
        Locale.ROOT,
        "Seen on %s%s on JDK %s, %s %s, %d processors at a load of %.1f:",
        LocalDate.now(ZoneOffset.UTC),
        briefly ? ", in a brief run," : "",
        System.getProperty("java.version"),
        System.getProperty("os.name"),
        System.getProperty("os.arch"),
        Runtime.getRuntime().availableProcessors(),
        ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
  }
}
