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
package dev.sluice.bench.s3;

import dev.sluice.embedded.EmbeddedS3;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** A server in a process of its own, which ends with its standard input. */
final class ServerMain {

  static final String BUCKET = "bench";

  private final ProcessHandle process;
  private final URI address;

  private ServerMain(ProcessHandle process, URI address) {
    this.process = process;
    this.address = address;
  }

  URI address() {
    return address;
  }

  /** Processor time so far, in nanoseconds; to 10 ms on Linux. */
  long processorTime() {
    return process.info().totalCpuDuration().orElse(Duration.ZERO).toNanos();
  }

  /** Starts a server, which ends with this process. */
  static ServerMain start() {
    try {
      Process process =
          new ProcessBuilder(
                  List.of(
                      Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                      "-Xmx512m",
                      "-cp",
                      System.getProperty("java.class.path"),
                      ServerMain.class.getName()))
              .redirectError(Redirect.INHERIT)
              .start();
      BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        if (line.startsWith("http://127.0.0.1:")) {
          return new ServerMain(process.toHandle(), URI.create(line));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    throw new IllegalStateException("the server has ended without an address");
  }

  public static void main(String[] arguments) throws IOException {
    try (EmbeddedS3 s3 = EmbeddedS3.create(s -> s.bucket(BUCKET)).start()) {
      System.out.println(s3.endpoint());
      while (System.in.read() >= 0) {
        // nobody writes
      }
    }
    System.exit(0);
  }
}
