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
package dev.sluice.s3.compat;

import com.adobe.testing.s3mock.S3MockApplication;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * The server in a process of its own, in which nobody looks for calls that block. It ends when its
 * parent does.
 */
final class S3MockServer implements AutoCloseable {

  private static final String READY = "s3mock on port ";

  private final Process process;
  private final URI endpoint;

  private S3MockServer(Process process, URI endpoint) {
    this.process = process;
    this.endpoint = endpoint;
  }

  /** Blocks until it answers. */
  static S3MockServer start(String bucket) throws IOException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                S3MockServer.class.getName(),
                bucket)
            .redirectErrorStream(true)
            .start();
    BufferedReader output =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    StringBuilder log = new StringBuilder();
    for (String line = output.readLine(); line != null; line = output.readLine()) {
      if (line.startsWith(READY)) {
        Thread rest = new Thread(() -> output.lines().forEach(System.out::println), "s3mock");
        rest.setDaemon(true);
        rest.start();
        return new S3MockServer(
            process, URI.create("http://127.0.0.1:" + line.substring(READY.length())));
      }
      log.append(line).append('\n');
    }
    throw new IOException("s3mock did not start:\n" + log);
  }

  URI endpoint() {
    return endpoint;
  }

  @Override
  public void close() {
    process.destroy();
  }

  @SuppressWarnings("deprecation") // there is no other way to learn its port
  public static void main(String[] args) throws IOException {
    S3MockApplication server =
        S3MockApplication.start(
            "--server.port=0",
            "--server.ssl.enabled=false",
            "--com.adobe.testing.s3mock.store.initial-buckets=" + args[0],
            "--logging.level.root=WARN");
    System.out.println(READY + server.getPort());
    while (System.in.read() >= 0) {
      continue; // nothing is said; the end means that the parent has gone
    }
    server.stop();
    System.exit(0);
  }
}
