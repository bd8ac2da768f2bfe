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
package dev.sluice.kafka.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A member of the group that can be killed, frozen and thawed. */
final class MemberProcess {

  private static final int BOUND_SECONDS = 60;
  private static final Duration REPORT = Duration.ofSeconds(2);

  private final Process process;
  private final Path log;
  private volatile boolean killed;

  private MemberProcess(Process process, Path log) {
    this.process = process;
    this.log = log;
  }

  static MemberProcess launch(MemberSpec spec, Path ledger, Path log) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-Xmx128m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Dsluice.leak=paranoid",
            "-cp",
            System.getProperty("java.class.path"),
            MemberMain.class.getName()));
    command.addAll(spec.arguments(ledger));
    try {
      return new MemberProcess(
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(Redirect.appendTo(log.toFile()))
              .start(),
          log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Fails if it has ended by itself. */
  void requireAlive() {
    if (!process.isAlive()) {
      throw new AssertionError("ended with " + process.exitValue() + ":\n" + log());
    }
  }

  boolean killed() {
    return killed;
  }

  /** kill -9: returns when it is dead. */
  void kill() {
    killed = true;
    process.destroyForcibly();
    awaitEnd();
  }

  /** Tells it one of the commands of {@link MemberMain}. */
  void tell(int command) {
    try {
      process.getOutputStream().write(command);
      process.getOutputStream().flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Lets it go on with nothing, in the middle of everything, as a long pause of its machine. */
  void freeze() {
    signal("STOP");
  }

  void thaw() {
    signal("CONT");
  }

  private void signal(String name) {
    try {
      Process kill = new ProcessBuilder("kill", "-" + name, "" + process.pid()).start();
      assertThat(kill.waitFor()).as("kill -%s", name).isZero();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Stops it in good order. */
  void stop() {
    try {
      process.getOutputStream().close(); // its standard input
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    awaitEnd();
    assertThat(process.exitValue()).as("exit value, log:%n%s", log()).isZero();
  }

  private void awaitEnd() {
    try {
      assertThat(process.waitFor(BOUND_SECONDS, TimeUnit.SECONDS)).as("ended").isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Whether it was killed and is dead. */
  boolean dead() {
    return killed && !process.isAlive();
  }

  /** What it is doing, for whoever waits for it in vain: how it stands, its threads, its log. */
  String state() {
    if (process.isAlive()) {
      tell(MemberMain.REPORT);
      signal("QUIT"); // prints the threads
      LockSupport.parkNanos(REPORT.toNanos());
    }
    return "process "
        + process.pid()
        + ", CPU "
        + process.info().totalCpuDuration().orElse(Duration.ZERO)
        + " since "
        + process.info().startInstant().orElse(null)
        + ":\n"
        + log();
  }

  private String log() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
