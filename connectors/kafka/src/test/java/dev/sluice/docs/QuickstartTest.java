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

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What docs/quickstart.md tells to do works, in an empty directory, in a process of its own. That
 * Maven does it too is for {@code .ci/Quickstart.java}.
 */
class QuickstartTest {

  private static final Path PAGE = Path.of("../../docs/quickstart.md");
  private static final Pattern FILE =
      Pattern.compile("<!-- file: (\\S+\\.java) -->\n```java\n(.*?)```", Pattern.DOTALL);
  private static final long PATIENCE_SECONDS = 120;

  @TempDir private static Path project;
  private static String page = "";

  @BeforeAll
  static void compile() throws IOException {
    page = Files.readString(PAGE);
    List<String> arguments =
        new ArrayList<>(
            List.of("-d", project.resolve("classes").toString(), "-cp", classPath(), "-proc:none"));
    Matcher file = FILE.matcher(page);
    while (file.find()) {
      Path source = project.resolve(file.group(1));
      Files.createDirectories(source.getParent());
      Files.writeString(source, file.group(2));
      arguments.add(source.toString());
    }
    assertThat(arguments).as("options and two sources").hasSize(7);
    assertThat(
            ToolProvider.getSystemJavaCompiler()
                .run(null, null, null, arguments.toArray(String[]::new)))
        .as("result of the compiler")
        .isZero();
  }

  @Test
  void runsInMemory() throws Exception {
    assertPrinted(run("Charging"));
  }

  @Test
  void runsOnKafka() throws Exception {
    assertPrinted(run("ChargingOnKafka"));
  }

  /** The lines that the page shows; those of a customer in their order, and the last one last. */
  private static void assertPrinted(List<String> printed) {
    Matcher block =
        Pattern.compile("<!-- prints: Charging -->\n```\n(.*?)```", Pattern.DOTALL).matcher(page);
    assertThat(block.find()).isTrue();
    List<String> shown = block.group(1).lines().toList();
    assertThat(printed).containsExactlyInAnyOrderElementsOf(shown);
    for (String customer : List.of("alice", "bob", "dead letter")) {
      assertThat(printed.stream().filter(line -> line.contains(customer)))
          .containsExactlyElementsOf(
              shown.stream().filter(line -> line.contains(customer)).toList());
    }
    assertThat(printed.get(printed.size() - 1)).isEqualTo(shown.get(shown.size() - 1));
  }

  /** What the class printed, without the log. */
  private static List<String> run(String mainClass) throws Exception {
    Path output = project.resolve(mainClass + ".out");
    Path log = project.resolve(mainClass + ".log");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                project.resolve("classes") + File.pathSeparator + classPath(),
                mainClass)
            .directory(project.toFile())
            .redirectOutput(output.toFile())
            .redirectError(log.toFile())
            .start();
    try {
      assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).as("has ended").isTrue();
    } finally {
      process.destroyForcibly();
    }
    List<String> lines = Files.readAllLines(output, StandardCharsets.UTF_8);
    assertThat(process.exitValue()).as("%s\n%s", lines, Files.readString(log)).isZero();
    return lines.stream().filter(line -> line.matches("charged .*|\\d+ acknowledged.*")).toList();
  }

  private static String classPath() {
    return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
  }
}
