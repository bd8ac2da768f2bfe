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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/**
 * A program of its own, which checks its results and prints them: they are shown as they are.
 *
 * @param arguments what it is called with, for each effort
 */
record Harness(String id, String main, Map<Effort, String> arguments) implements Section {

  /** One that has not ended by then has failed: nobody may be watching. */
  private static final long PATIENCE_MINUTES = 60;

  @Override
  public String run(Effort effort, Path pictures) throws IOException, InterruptedException {
    String with = Objects.requireNonNull(arguments.get(effort));
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx1g", "-cp", System.getProperty("java.class.path"), main));
    if (!with.isEmpty()) {
      command.addAll(List.of(with.split(" ")));
    }
    Path output = Files.createTempFile("sluice-" + id, ".txt");
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectOutput(output.toFile())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      boolean ended = process.waitFor(PATIENCE_MINUTES, TimeUnit.MINUTES);
      if (!ended) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().waitFor();
      }
      String printed = Files.readString(output).strip();
      if (!ended || process.exitValue() != 0) {
        throw new IllegalStateException(
            String.format(
                "%s: %s (expected: exit code 0 within %d minutes)%n%s",
                main,
                ended ? "exit code " + process.exitValue() : "still running",
                PATIENCE_MINUTES,
                printed));
      }
      return (with.isEmpty() ? "With its defaults:" : "With `" + with + "`:")
          + "\n\n```text\n"
          + printed
          + "\n```";
    } finally {
      Files.delete(output);
    }
  }
}
