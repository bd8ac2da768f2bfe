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
import dev.sluice.channel.FlowHandle.State;
import dev.sluice.codec.StringCodec;
import dev.sluice.flow.Flow;
import dev.sluice.flow.RunnableFlow;
import dev.sluice.memory.MemoryChannel;
import dev.sluice.message.Message;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.tck.TestObservationRegistry;
import io.micrometer.observation.tck.TestObservationRegistryAssert;
import io.micrometer.tracing.Tracer;
import io.micrometer.tracing.handler.PropagatingReceiverTracingObservationHandler;
import io.micrometer.tracing.handler.TracingObservationHandler;
import io.micrometer.tracing.propagation.Propagator;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.springframework.boot.actuate.endpoint.web.WebEndpointResponse;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

class StarterTest {

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final ApplicationContextRunner application =
      new ApplicationContextRunner()
          .withConfiguration(
              AutoConfigurations.of(
                  FlowsAutoConfiguration.class,
                  ObservabilityAutoConfiguration.class,
                  ActuatorAutoConfiguration.class,
                  KafkaAutoConfiguration.class,
                  PostgresAutoConfiguration.class,
                  S3AutoConfiguration.class,
                  TracingAutoConfiguration.class))
          .withPropertyValues("management.endpoints.web.exposure.include=*")
          .withUserConfiguration(Shop.class);

  /** A flow from a channel in memory to another, through a worker that waits to be told. */
  @Configuration(proxyBeanMethods = false)
  static class Shop {

    @Bean
    MemoryChannel orders() {
      return MemoryChannel.create("orders");
    }

    @Bean
    MemoryChannel shipments() {
      return MemoryChannel.create("shipments");
    }

    @Bean
    Sinks.One<String> permission() {
      return Sinks.one();
    }

    // #region flow
    @Bean
    RunnableFlow shipping(
        MemoryChannel orders, MemoryChannel shipments, Sinks.One<String> permission) {
      return Flow.from(orders)
          .named("shipping")
          .decode(StringCodec.utf8())
          .compete(
              order -> order.equals("slow") ? permission.asMono() : Mono.just(order),
              c -> c.timeout(PATIENCE))
          .map(order -> order.getBytes(StandardCharsets.UTF_8))
          .to(shipments);
    }

    // #endregion
  }

  private static void order(MemoryChannel orders, String order) {
    orders.send(Message.of(order.getBytes(StandardCharsets.UTF_8))).block(PATIENCE);
  }

  private static void await(java.util.function.BooleanSupplier condition) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime() - end).as("waited for too long").isNegative();
      LockSupport.parkNanos(2_000_000);
    }
  }

  @Nested
  class OfTraces {

    @Test
    void makesTheSpansOfDeliveriesItselfAndBeforeAnybodyElse() {
      application
          .withBean(Tracer.class, () -> Tracer.NOOP)
          .withBean(Propagator.class, () -> Propagator.NOOP)
          .withBean(
              "spring",
              PropagatingReceiverTracingObservationHandler.class,
              () ->
                  new PropagatingReceiverTracingObservationHandler<>(Tracer.NOOP, Propagator.NOOP))
          .run(
              context ->
                  assertThat(
                          context
                              .getBeanProvider(TracingObservationHandler.class)
                              .orderedStream()
                              .map(handler -> handler.getClass().getSimpleName()))
                      .containsExactly(
                          "LinkedDeliveries", "PropagatingReceiverTracingObservationHandler"));
    }

    @Test
    void doesNothingWithoutATracer() {
      application.run(
          context -> assertThat(context).doesNotHaveBean(TracingObservationHandler.class));
    }
  }

  @Nested
  class OfFlowsThatAreBeans {

    @Test
    void startsThemWithTheApplicationAndDrainsThemAtItsEnd() {
      FlowHandle[] handle = new FlowHandle[1];
      MemoryChannel[] shipments = new MemoryChannel[1];
      application.run(
          context -> {
            handle[0] = context.getBean(Flows.class).handle("shipping");
            shipments[0] = context.getBean("shipments", MemoryChannel.class);
            assertThat(handle[0].stats().state()).isEqualTo(State.RUNNING);
            order(context.getBean("orders", MemoryChannel.class), "slow");
            await(() -> handle[0].stats().unsettled() == 1);
            Sinks.One<String> permission = permission(context);
            Mono.delay(Duration.ofMillis(200))
                .subscribe(later -> permission.tryEmitValue("done at last"));
          }); // which closes it
      assertThat(handle[0].stats().state()).isEqualTo(State.STOPPED);
      assertThat(handle[0].stats().acknowledged()).isEqualTo(1);
      assertThat(shipments[0].stats().waiting()).isEqualTo(1);
    }

    @SuppressWarnings("unchecked")
    private static Sinks.One<String> permission(
        org.springframework.context.ApplicationContext context) {
      return (Sinks.One<String>) context.getBean("permission");
    }

    @Test
    void canBePausedAndResumed() {
      application.run(
          context -> {
            Flows flows = context.getBean(Flows.class);
            MemoryChannel orders = context.getBean("orders", MemoryChannel.class);
            MemoryChannel shipments = context.getBean("shipments", MemoryChannel.class);
            flows.pause("shipping").block(PATIENCE);
            order(orders, "a");
            assertThat(orders.stats().waiting()).isEqualTo(1);
            flows.resume("shipping");
            await(() -> shipments.stats().waiting() == 1);
          });
    }

    @Test
    void doesNotStartThemIfItShallNot() {
      application
          .withPropertyValues("sluice.auto-start=false")
          .run(context -> assertThat(context.getBean(Flows.class).handle("shipping")).isNull());
    }

    @Test
    void refusesTwoOfOneName() {
      application
          .withBean(
              "again",
              RunnableFlow.class,
              () -> Flow.from(MemoryChannel.create("x")).named("shipping").end())
          .run(
              context ->
                  assertThat(context)
                      .getFailure()
                      .rootCause()
                      .hasMessageContaining("flow: two are called \"shipping\""));
    }
  }

  @Nested
  class Seen {

    @Test
    void areTheirNumbersAndObservations() {
      TestObservationRegistry observations = TestObservationRegistry.create();
      application
          .withBean(MeterRegistry.class, SimpleMeterRegistry::new)
          .withBean(ObservationRegistry.class, () -> observations)
          .run(
              context -> {
                FlowHandle handle =
                    Objects.requireNonNull(context.getBean(Flows.class).handle("shipping"));
                order(context.getBean("orders", MemoryChannel.class), "a");
                await(() -> handle.stats().acknowledged() == 1);
                MeterRegistry registry = context.getBean(MeterRegistry.class);
                assertThat(
                        registry
                            .get("sluice.deliveries")
                            .tags("flow", "shipping", "outcome", "acknowledged")
                            .functionCounter()
                            .count())
                    .isEqualTo(1);
                context
                    .getBeansOfType(io.micrometer.core.instrument.binder.MeterBinder.class)
                    .values()
                    .forEach(binder -> binder.bindTo(registry));
                assertThat(
                        registry
                            .get("sluice.channel.depth")
                            .tag("channel", "shipments")
                            .gauge()
                            .value())
                    .isEqualTo(1);
                TestObservationRegistryAssert.assertThat(observations)
                    .hasObservationWithNameEqualTo("sluice.delivery")
                    .that()
                    .hasLowCardinalityKeyValue("flow", "shipping");
              });
    }

    @Test
    void isTheHealthOfEach() {
      application.run(
          context -> {
            HealthIndicator health =
                context.getBean("sluiceHealthIndicator", HealthIndicator.class);
            assertThat(health.health().getStatus()).isEqualTo(Status.UP);
            // without a target for dead letters a message that is rejected is the end of the flow
            MemoryChannel orders = context.getBean("orders", MemoryChannel.class);
            orders.send(Message.of(new byte[] {(byte) 0xff})).block(PATIENCE);
            await(() -> health.health().getStatus().equals(Status.DOWN));
            assertThat(health.health().getDetails().get("shipping"))
                .asString()
                .contains("FAILED", "NoDeadLetterTarget");
          });
    }

    @Test
    void isWhatTheyDoAndHowManyInstancesTheyAskFor() {
      application
          .withPropertyValues("sluice.scale.messages-per-instance=2", "sluice.scale.max=3")
          .run(
              context -> {
                SluiceEndpoint endpoint = context.getBean(SluiceEndpoint.class);
                Flows flows = context.getBean(Flows.class);
                endpoint.act("shipping", SluiceEndpoint.Action.PAUSE).block(PATIENCE);
                assertThat(endpoint.all().get("shipping").state()).isEqualTo("STOPPED");
                MemoryChannel orders = context.getBean("orders", MemoryChannel.class);
                assertThat(endpoint.one("scale").block(PATIENCE))
                    .isEqualTo(new SluiceEndpoint.Scaling(1, Map.of("shipping", 0L)));
                for (int i = 0; i < 3; i++) {
                  order(orders, "a");
                }
                assertThat(endpoint.one("scale").block(PATIENCE))
                    .isEqualTo(new SluiceEndpoint.Scaling(2, Map.of("shipping", 3L)));
                for (int i = 0; i < 30; i++) {
                  order(orders, "a");
                }
                assertThat(endpoint.one("scale").block(PATIENCE))
                    .isEqualTo(new SluiceEndpoint.Scaling(3, Map.of("shipping", 33L)));
                endpoint.act("shipping", SluiceEndpoint.Action.RESUME).block(PATIENCE);
                FlowHandle handle = Objects.requireNonNull(flows.handle("shipping"));
                await(() -> handle.stats().acknowledged() == 33);
                assertThat(endpoint.one("nonsense").blockOptional(PATIENCE)).isEmpty();
                assertThat(endpoint.act("nonsense", SluiceEndpoint.Action.PAUSE).block(PATIENCE))
                    .extracting(WebEndpointResponse::getStatus)
                    .isEqualTo(404);
              });
    }
  }

  @Nested
  class Connections {

    @Test
    void toKafkaAreThereWhenItsServersAreNamed() {
      application.run(context -> assertThat(context).doesNotHaveBean(KafkaChannels.class));
      application
          .withPropertyValues(
              "sluice.kafka.bootstrap-servers=localhost:1",
              "sluice.kafka.group=shop",
              "sluice.kafka.properties.[security.protocol]=PLAINTEXT")
          .run(
              context -> {
                KafkaChannels kafka = context.getBean(KafkaChannels.class);
                assertThat(kafka.channel("orders").info().name()).isEqualTo("orders");
                assertThat(kafka.outbound("shipments").name()).isEqualTo("shipments");
              });
    }

    @Test
    void toS3AreThereWhenItsBucketIsNamed() {
      application
          .withPropertyValues("sluice.s3.bucket=payloads", "sluice.s3.name=images")
          .withBean(
              software.amazon.awssdk.services.s3.S3AsyncClient.class,
              () ->
                  dev.sluice.s3.S3PayloadStore.clientBuilder()
                      .region(software.amazon.awssdk.regions.Region.EU_CENTRAL_1)
                      .build())
          .run(
              context ->
                  assertThat(context.getBean(dev.sluice.s3.S3PayloadStore.class).name())
                      .isEqualTo("images"));
    }

    @Test
    void toPostgresThatIsNotThereFailTheStartWithoutTheSecret() {
      application
          .withPropertyValues(
              "sluice.postgres.url=r2dbc:postgresql://localhost:1/shop",
              "sluice.postgres.username=shop",
              "sluice.postgres.password=s3cr3t",
              "sluice.postgres.connect-timeout=20s")
          .run(
              context -> {
                assertThat(context).hasFailed();
                java.io.StringWriter trace = new java.io.StringWriter();
                context.getStartupFailure().printStackTrace(new java.io.PrintWriter(trace));
                assertThat(trace.toString()).contains("localhost").doesNotContain("s3cr3t");
              });
    }
  }
}
