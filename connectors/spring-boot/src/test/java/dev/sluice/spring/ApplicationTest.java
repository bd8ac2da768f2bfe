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
package dev.sluice.spring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.codec.StringCodec;
import dev.sluice.embedded.EmbeddedKafka;
import dev.sluice.embedded.EmbeddedPostgres;
import dev.sluice.flow.Flow;
import dev.sluice.flow.RunnableFlow;
import dev.sluice.message.Message;
import dev.sluice.postgres.PostgresChannel;
import dev.sluice.postgres.PostgresDatabase;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.test.web.reactive.server.WebTestClient;

/** An application as one writes it, on Kafka and PostgreSQL that are there, asked over HTTP. */
@Timeout(120)
class ApplicationTest {

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  @TempDir static Path directory;

  private static EmbeddedKafka kafka;
  private static EmbeddedPostgres postgres;

  private static ConfigurableApplicationContext application;

  @Configuration(proxyBeanMethods = false)
  @EnableAutoConfiguration
  static class Shop {

    @Bean
    PostgresChannel shipments(PostgresDatabase database) {
      return PostgresChannel.create(database, "shipments");
    }

    @Bean
    RunnableFlow shipping(KafkaChannels kafka, PostgresChannel shipments) {
      return Flow.from(kafka.channel("orders"))
          .named("shipping")
          .decode(StringCodec.utf8())
          .map(order -> order.getBytes(StandardCharsets.UTF_8))
          .to(shipments);
    }

    /** Something to look at. */
    @Bean
    dev.sluice.observe.Watched cellar() {
      return () -> "there is water in the cellar";
    }
  }

  @BeforeAll
  static void start() {
    kafka = EmbeddedKafka.create(k -> k.dataDirectory(directory.resolve("kafka"))).start();
    kafka.createTopic("orders", 1);
    postgres = EmbeddedPostgres.create().start();
    application =
        new SpringApplicationBuilder(Shop.class)
            .web(WebApplicationType.REACTIVE)
            .properties(
                "server.port=0",
                "spring.application.name=shop",
                "spring.main.banner-mode=off",
                "management.endpoints.web.exposure.include=health,sluice",
                "management.endpoint.health.show-details=always",
                "management.endpoint.sluice.access=unrestricted",
                "sluice.kafka.bootstrap-servers=" + kafka.bootstrapServers(),
                "sluice.postgres.url=" + postgres.r2dbcUrl(),
                "sluice.postgres.connections=4")
            .run();
  }

  @AfterAll
  static void stop() {
    application.close();
    postgres.close();
    kafka.close();
  }

  private static WebTestClient client() {
    return WebTestClient.bindToServer()
        .baseUrl(
            "http://localhost:" + application.getEnvironment().getProperty("local.server.port"))
        .responseTimeout(PATIENCE)
        .build();
  }

  private static FlowHandle shipping() {
    return Objects.requireNonNull(application.getBean(Flows.class).handle("shipping"));
  }

  private static void await(java.util.function.BooleanSupplier condition) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime() - end).as("waited for too long").isNegative();
      LockSupport.parkNanos(2_000_000);
    }
  }

  @Test
  void carriesMessagesFromOneServerToTheOther() {
    long before = shipping().stats().acknowledged();
    application
        .getBean(KafkaChannels.class)
        .outbound("orders")
        .send(Message.of("order 1".getBytes(StandardCharsets.UTF_8)))
        .block(PATIENCE);
    await(() -> shipping().stats().acknowledged() == before + 1);
    assertThat(application.getBean(PostgresChannel.class).depth().block(PATIENCE)).isEqualTo(1);
  }

  @Test
  void showsItsFlowsPausesAndResumesThem() {
    client()
        .get()
        .uri("/actuator/sluice")
        .exchange()
        .expectStatus()
        .isOk()
        .expectBody()
        .jsonPath("$.shipping.state")
        .isEqualTo("RUNNING");
    act("shipping", "PAUSE").isEqualTo(HttpStatus.OK);
    assertThat(shipping().stats().state()).isEqualTo(FlowHandle.State.STOPPED);
    act("shipping", "RESUME").isEqualTo(HttpStatus.OK);
    act("nonsense", "PAUSE").isEqualTo(HttpStatus.NOT_FOUND);
    act("shipping", "NONSENSE").isEqualTo(HttpStatus.BAD_REQUEST);
    await(() -> shipping().stats().state() == FlowHandle.State.RUNNING);
  }

  private static org.springframework.test.web.reactive.server.StatusAssertions act(
      String flow, String action) {
    return client()
        .post()
        .uri("/actuator/sluice/{flow}", flow)
        .contentType(MediaType.APPLICATION_JSON)
        .bodyValue(Map.of("action", action))
        .exchange()
        .expectStatus();
  }

  @Test
  void saysHowManyInstancesItNeeds() {
    client()
        .get()
        .uri("/actuator/sluice/scale")
        .exchange()
        .expectStatus()
        .isOk()
        .expectBody()
        .jsonPath("$.instances")
        .isNumber()
        .jsonPath("$.depths.shipping")
        .isNumber();
  }

  @Test
  void isHealthyAndWarnsOfWhatSomebodyShouldLookAt() {
    client()
        .get()
        .uri("/actuator/health")
        .exchange()
        .expectStatus()
        .isOk()
        .expectBody()
        .jsonPath("$.status")
        .isEqualTo("UP")
        .jsonPath("$.components.sluice.status")
        .isEqualTo("WARNING")
        .jsonPath("$.components.sluice.details.warnings.cellar")
        .isEqualTo("there is water in the cellar")
        .jsonPath("$.components.sluicePostgres.status")
        .isEqualTo("UP");
  }
}
