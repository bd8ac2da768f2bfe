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
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Runs the benchmarks, one after the other, and writes what was seen into their page: each section
 * when it has ended, so that one that fails costs the others nothing. When all have run it says how
 * long each has taken and which have failed, and fails if any has.
 *
 * <pre>
 * mvn -pl benchmarks -am -Preport verify -DskipTests
 * mvn -pl benchmarks -am -Preport verify -DskipTests -Dreport.args="briefly only=compete,gather"
 * mvn -pl benchmarks -am -Preport verify -DskipTests -Dreport.args=check
 * </pre>
 */
public final class Report {

  private final Path file;
  private final Effort effort;
  private final List<String> took = new ArrayList<>();
  private final List<String> failed = new ArrayList<>();

  private Report(Path file, Effort effort) {
    this.file = file;
    this.effort = effort;
  }

  /**
   * Runs.
   *
   * @param args the page, then {@code briefly} for fewer rounds, or {@code check} to see only that
   *     everything runs, which writes nothing; and {@code only=} with the ids of the sections,
   *     unless it is to be all of them
   */
  public static void main(String[] args) throws IOException, InterruptedException {
    List<String> options = Arrays.asList(args).subList(1, args.length);
    List<Section> sections = sections(options);
    Report report = new Report(Path.of(args[0]).toAbsolutePath(), effort(options));
    report.run(sections);
    report.took.forEach(System.out::println);
    if (!report.failed.isEmpty()) {
      System.err.println("failed: " + String.join(", ", report.failed));
      System.exit(1);
    }
  }

  private void run(List<Section> sections) throws IOException, InterruptedException {
    Page page = new Page(file);
    for (Section section : sections) {
      page.require(section.id());
    }
    boolean check = effort == Effort.CHECK;
    Path pictures =
        check ? Files.createTempDirectory("sluice-report") : file.resolveSibling("benchmarks");
    for (Section section : sections) {
      long begin = System.nanoTime();
      try {
        String seen = section.run(effort, pictures);
        if (!check) {
          page.write(section.id(), machine() + "\n\n" + seen);
        }
      } catch (IOException | RuntimeException e) {
        e.printStackTrace();
        failed.add(section.id());
      }
      took.add(
          String.format(
              Locale.ROOT, "%s: %.1f min", section.id(), (System.nanoTime() - begin) / 60e9));
    }
  }

  private static Effort effort(List<String> options) {
    if (options.contains("check")) {
      return Effort.CHECK;
    }
    return options.contains("briefly") ? Effort.BRIEF : Effort.FULL;
  }

  private static List<Section> sections(List<String> options) {
    List<String> ids = new ArrayList<>();
    for (String option : options) {
      if (option.startsWith("only=")) {
        ids.addAll(List.of(option.substring("only=".length()).split(",")));
      } else if (!option.equals("briefly") && !option.equals("check")) {
        throw new IllegalArgumentException(
            "option: " + option + " (expected: briefly, check or only=id,id)");
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
  private String machine() {
    return String.format(
        Locale.ROOT,
        "Seen on %s%s on JDK %s, %s %s, %d processors at a load of %.1f:",
        LocalDate.now(ZoneOffset.UTC),
        effort == Effort.BRIEF ? ", in a brief run," : "",
        System.getProperty("java.version"),
        System.getProperty("os.name"),
        System.getProperty("os.arch"),
        Runtime.getRuntime().availableProcessors(),
        ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
  }
}
