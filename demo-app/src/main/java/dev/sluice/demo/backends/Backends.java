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
package dev.sluice.demo.backends;

import dev.sluice.embedded.EmbeddedKafka;
import dev.sluice.embedded.EmbeddedPostgres;
import dev.sluice.embedded.EmbeddedS3;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.core.env.Environment;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * The Kafka, the PostgreSQL and the S3 of this process: those of the three that no property says
 * where to find. They start side by side, before the application, and stop after it.
 *
 * <p>With the main method of this class all three are a process of their own, for applications that
 * share them; it prints what to tell the applications.
 */
public final class Backends implements AutoCloseable {

  /** Says where Kafka is; without it there is one in this process. */
  static final String KAFKA = "sluice.kafka.bootstrap-servers";

  /** Says where PostgreSQL is; without it there is one beside this process. */
  static final String POSTGRES = "sluice.postgres.url";

  /** Says which bucket of S3 is meant; without it there is an S3 in this process. */
  static final String S3 = "sluice.s3.bucket";

  private static final String BUCKET = "airport";

  private static final Logger log = LoggerFactory.getLogger(Backends.class);

  // Each is null if it is somewhere else.
  private final @Nullable EmbeddedKafka kafka;
  private final @Nullable EmbeddedPostgres postgres;
  private final @Nullable EmbeddedS3 s3;
  private final List<AutoCloseable> servers;

  private Backends(
      @Nullable EmbeddedKafka kafka, @Nullable EmbeddedPostgres postgres, @Nullable EmbeddedS3 s3) {
    this.kafka = kafka;
    this.postgres = postgres;
    this.s3 = s3;
    this.servers = Stream.of(kafka, postgres, s3).filter(Objects::nonNull).toList();
  }

  /** Runs all three until the process is told to end. */
  public static void main(String[] args) {
    new SpringApplicationBuilder(Alone.class)
        .web(WebApplicationType.NONE)
        .properties("spring.main.keep-alive=true")
        .run(args);
  }

  /** An application without anything but its backends. */
  static final class Alone {}

  /** Starts those that the environment does not say where to find. */
  static Backends start(Environment environment) {
    long began = System.nanoTime();
    BackendsProperties properties =
        Binder.get(environment).bindOrCreate("demo", BackendsProperties.class);
    Backends backends =
        new Backends(
            isElsewhere(environment, KAFKA) ? null : kafka(properties),
            isElsewhere(environment, POSTGRES) ? null : postgres(properties),
            isElsewhere(environment, S3) ? null : s3(properties));
    try {
      backends.start();
    } catch (RuntimeException e) {
      backends.close();
      throw e;
    }
    log.info(
        "started in {} ms: {}",
        Duration.ofNanos(System.nanoTime() - began).toMillis(),
        String.join(" ", backends.arguments()));
    return backends;
  }

  private static boolean isElsewhere(Environment environment, String property) {
    return !environment.getProperty(property, "").isBlank();
  }

  private static EmbeddedKafka kafka(BackendsProperties properties) {
    int port = freeOr0("Kafka", properties.kafkaPort());
    return EmbeddedKafka.create(
        spec -> spec.dataDirectory(properties.dataDir().resolve("kafka")).port(port));
  }

  private static EmbeddedPostgres postgres(BackendsProperties properties) {
    int port = freeOr0("PostgreSQL", properties.postgresPort());
    return EmbeddedPostgres.create(
        spec -> spec.dataDirectory(properties.dataDir().resolve("postgres")).port(port));
  }

  private static EmbeddedS3 s3(BackendsProperties properties) {
    int port = freeOr0("S3", properties.s3Port());
    return EmbeddedS3.create(
        spec -> spec.dataDirectory(properties.dataDir().resolve("s3")).port(port).bucket(BUCKET));
  }

  /** A predecessor's connections linger for a while; looking past them is what servers do. */
  private static int freeOr0(String server, int port) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return port;
    } catch (IOException e) {
      log.warn("port {} is taken; {} gets a free one", port, server);
      return 0;
    }
  }

  /** All are awaited, also when one fails: what starts meanwhile has to be closed. */
  private void start() {
    Flux.just(
            Mono.justOrEmpty(kafka).doOnNext(EmbeddedKafka::start),
            Mono.justOrEmpty(postgres).doOnNext(EmbeddedPostgres::start),
            Mono.justOrEmpty(s3).doOnNext(EmbeddedS3::start))
        .flatMapDelayError(start -> start.subscribeOn(Schedulers.boundedElastic()), 3, 1)
        .blockLast();
  }

  /** The broker of this process, if it is here. */
  public Optional<EmbeddedKafka> kafka() {
    return Optional.ofNullable(kafka);
  }

  /** What an application has to be told to find those that are here. */
  Map<String, Object> properties() {
    Map<String, Object> properties = new TreeMap<>();
    if (kafka != null) {
      properties.put(KAFKA, kafka.bootstrapServers());
    }
    if (postgres != null) {
      properties.put(POSTGRES, postgres.r2dbcUrl());
    }
    if (s3 != null) {
      properties.put(S3, BUCKET);
      properties.put("demo.s3.endpoint", s3.endpoint().toString());
      properties.put("demo.s3.access-key", EmbeddedS3.ACCESS_KEY);
      properties.put("demo.s3.secret-key", EmbeddedS3.SECRET_KEY);
      properties.put("demo.s3.region", EmbeddedS3.REGION);
    }
    return properties;
  }

  private List<String> arguments() {
    return properties().entrySet().stream()
        .map(property -> "--" + property.getKey() + '=' + property.getValue())
        .toList();
  }

  /** Stops those that are here, each whether or not the others could be stopped. */
  @Override
  public void close() {
    for (AutoCloseable server : servers) {
      try {
        server.close();
      } catch (Exception e) {
        log.warn("{} could not be stopped", server, e);
      }
    }
  }
}
