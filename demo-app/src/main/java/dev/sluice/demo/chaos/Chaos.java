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
package dev.sluice.demo.chaos;

import dev.sluice.demo.backends.Backends;
import dev.sluice.demo.live.LiveSection;
import dev.sluice.demo.loading.Jams;
import dev.sluice.demo.problem.Problem;
import dev.sluice.embedded.EmbeddedKafka;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** Breaks things on purpose. Switches and jams are those of this process. Thread-safe. */
final class Chaos implements LiveSection {

  private static final Logger log = LoggerFactory.getLogger(Chaos.class);

  private final Backends backends;
  private final Switches switches;
  private final Jams jams;
  private final Connections connections;
  private final Smudges smudges;
  private final Supplier<Stream<Breakable>> others;
  private volatile boolean brokerStopped;

  /**
   * @param others what can be broken elsewhere in this process
   */
  Chaos(
      Backends backends,
      Switches switches,
      Jams jams,
      Connections connections,
      Smudges smudges,
      Supplier<Stream<Breakable>> others) {
    this.backends = backends;
    this.switches = switches;
    this.jams = jams;
    this.connections = connections;
    this.smudges = smudges;
    this.others = others;
  }

  /**
   * What is broken.
   *
   * @param slowCustoms whether customs takes its time
   * @param slowScanner whether the scanner takes its time
   * @param brokerStopped whether the embedded broker was stopped
   * @param brokerHere whether there is a broker here that can be stopped
   * @param jammed the departures whose belt is jammed
   * @param broken all of it in words, and whatever else is broken in this process
   */
  record View(
      boolean slowCustoms,
      boolean slowScanner,
      boolean brokerStopped,
      boolean brokerHere,
      Set<String> jammed,
      List<String> broken) {}

  @Override
  public String event() {
    return "chaos";
  }

  @Override
  public View view() {
    return new View(
        switches.isCustomsSlow(),
        switches.isScannerSlow(),
        brokerStopped,
        backends.kafka().isPresent(),
        jams.keys(),
        broken());
  }

  private List<String> broken() {
    List<String> broken = new ArrayList<>();
    if (switches.isCustomsSlow()) {
      broken.add("customs is slow");
    }
    if (switches.isScannerSlow()) {
      broken.add("the scanner is slow");
    }
    if (brokerStopped) {
      broken.add("Kafka is stopped");
    }
    jams.keys().forEach(key -> broken.add("the belt of " + key + " is jammed"));
    others.get().forEach(other -> broken.addAll(other.broken()));
    return broken;
  }

  Switches switches() {
    return switches;
  }

  Jams jams() {
    return jams;
  }

  /**
   * Starts or stops the embedded broker.
   *
   * @return completes when that is done; fails with 409 if there is none here
   */
  Mono<Void> broker(boolean run) {
    return Mono.justOrEmpty(backends.kafka())
        .switchIfEmpty(
            Mono.error(
                () ->
                    Problem.conflict(
                        "Kafka is somewhere else (expected: the embedded one of this process)")))
        .flatMap(
            kafka ->
                Mono.<Void>fromRunnable(() -> broker(kafka, run))
                    .subscribeOn(Schedulers.boundedElastic()));
  }

  private void broker(EmbeddedKafka kafka, boolean run) {
    log.info("the broker is {}", run ? "started" : "stopped");
    if (run) {
      kafka.start();
    } else {
      kafka.stop();
    }
    brokerStopped = !run;
  }

  /** Ends the connections of all instances to the database. */
  Mono<Void> killConnections() {
    return connections
        .kill()
        .doOnNext(killed -> log.info("{} connections were killed", killed))
        .then();
  }

  /** Checks in bags whose tags cannot be read. */
  Mono<Void> corruptTags(int bags) {
    return smudges.write(bags);
  }
}
