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
package dev.sluice.micrometer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.FlowListener;
import dev.sluice.channel.Outbound;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import dev.sluice.test.TestChannel;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.contextpropagation.ObservationThreadLocalAccessor;
import io.micrometer.observation.tck.TestObservationRegistry;
import io.micrometer.observation.tck.TestObservationRegistryAssert;
import io.micrometer.tracing.CurrentTraceContext;
import io.micrometer.tracing.handler.DefaultTracingObservationHandler;
import io.micrometer.tracing.handler.PropagatingReceiverTracingObservationHandler;
import io.micrometer.tracing.handler.PropagatingSenderTracingObservationHandler;
import io.micrometer.tracing.otel.bridge.OtelCurrentTraceContext;
import io.micrometer.tracing.otel.bridge.OtelPropagator;
import io.micrometer.tracing.otel.bridge.OtelTracer;
import io.opentelemetry.api.trace.SpanId;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

class MicrometerTest {

  private static final Duration DELAY = Duration.ofSeconds(1);

  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private final TestChannel orders = TestChannel.create("orders", time);
  private final TestChannel shipments = TestChannel.create("shipments");
  private final TestChannel dead = TestChannel.create("dead");
  private final Outbound<String> target = Outbound.encoding(StringCodec.utf8(), shipments);

  private Flow<String> flow(FlowListener listener) {
    return Flow.from(orders)
        .named("ship")
        .deadLetter(dead)
        .onError(ErrorPolicy.defaults().retries(0))
        .listener(listener)
        .decode(StringCodec.utf8());
  }

  @Nested
  class NumbersOfAFlow {

    private final MeterRegistry registry = new SimpleMeterRegistry();

    @Test
    void areThereWhileItRuns() {
      FlowHandle handle = flow(SluiceMeters.flows(registry)).to(target).start();
      orders.offer("a");
      orders.offer("b");
      assertThat(
              registry
                  .get("sluice.deliveries")
                  .tag("flow", "ship")
                  .tag("outcome", "acknowledged")
                  .functionCounter()
                  .count())
          .isEqualTo(2);
      assertThat(registry.get("sluice.flow.up").gauge().value()).isEqualTo(1);
      assertThat(registry.get("sluice.deliveries.window").gauge().getId().getBaseUnit())
          .isEqualTo("deliveries");

      handle.stop(Duration.ZERO).block(Duration.ofSeconds(30));
      assertThat(registry.getMeters()).isEmpty();
    }

    @Test
    void areThoseOfTheRunThatIsOn() {
      FlowListener meters = SluiceMeters.flows(registry);
      flow(meters).start().stop(Duration.ZERO).block(Duration.ofSeconds(30));
      FlowHandle again = flow(meters).start();
      orders.offer("a");
      assertThat(
              registry
                  .get("sluice.deliveries")
                  .tag("outcome", "acknowledged")
                  .functionCounter()
                  .count())
          .isEqualTo(1);
      again.stop(Duration.ZERO).block(Duration.ofSeconds(30));
    }

    @Test
    void ofAnythingAreBoundAsTheyAreNamed() {
      SluiceMeters.of(
              meters ->
                  meters
                      .with("channel", "orders")
                      .gauge("sluice.channel.depth", "messages", "What waits", () -> 7))
          .bindTo(registry);
      assertThat(registry.get("sluice.channel.depth").tag("channel", "orders").gauge().value())
          .isEqualTo(7);
    }
  }

  @Nested
  class Observed {

    private final TestObservationRegistry registry = TestObservationRegistry.create();

    @Test
    void isWhatBecomesOfADelivery() {
      flow(SluiceObservations.of(registry)).to(target).start();
      orders.offer("a");
      TestObservationRegistryAssert.assertThat(registry)
          .hasObservationWithNameEqualTo("sluice.delivery")
          .that()
          .hasBeenStarted()
          .hasBeenStopped()
          .hasLowCardinalityKeyValue("flow", "ship")
          .hasLowCardinalityKeyValue("channel", "orders")
          .hasLowCardinalityKeyValue("outcome", "ack")
          .hasLowCardinalityKeyValue("reason", "processed")
          .hasHighCardinalityKeyValue("attempt", "1")
          .doesNotHaveError();
      TestObservationRegistryAssert.assertThat(registry)
          .hasObservationWithNameEqualTo("sluice.send")
          .that()
          .hasBeenStopped()
          .hasLowCardinalityKeyValue("channel", "shipments")
          .hasParentObservationContextMatching(
              parent -> parent.getName().equals("sluice.delivery"));
    }

    @Test
    void isWhyItFailed() {
      flow(SluiceObservations.of(registry))
          .compete(text -> Mono.<String>error(new IllegalArgumentException(text)))
          .start();
      orders.offer("a");
      TestObservationRegistryAssert.assertThat(registry)
          .hasObservationWithNameEqualTo("sluice.delivery")
          .that()
          .hasBeenStopped()
          .hasLowCardinalityKeyValue("outcome", "reject")
          .hasLowCardinalityKeyValue("reason", "poison")
          .hasError();
    }

    @Test
    void isThatItIsOutAndForHowLong() {
      io.micrometer.core.instrument.simple.SimpleMeterRegistry meters = new SimpleMeterRegistry();
      ObservationRegistry observations = ObservationRegistry.create();
      observations
          .observationConfig()
          .observationHandler(
              new io.micrometer.core.instrument.observation.DefaultMeterObservationHandler(meters));
      FlowHandle handle =
          flow(SluiceObservations.of(observations)).compete(text -> Mono.<String>never()).start();
      orders.offer("a");
      assertThat(
              meters
                  .get("sluice.delivery.active")
                  .tag("channel", "orders")
                  .longTaskTimer()
                  .activeTasks())
          .isEqualTo(1);
      handle.stop(Duration.ZERO).block(Duration.ofSeconds(30));
      assertThat(meters.get("sluice.delivery.active").longTaskTimer().activeTasks()).isZero();
      assertThat(meters.get("sluice.delivery").tag("outcome", "release").timer().count())
          .isEqualTo(1);
    }

    @Test
    void isASendThatFails() {
      shipments.onSend((message, accepted) -> Mono.error(new TimeoutException()));
      SluiceObservations.of(registry)
          .observed(target)
          .send(Message.of("a"))
          .onErrorComplete()
          .block(Duration.ofSeconds(30));
      TestObservationRegistryAssert.assertThat(registry)
          .hasObservationWithNameEqualTo("sluice.send")
          .that()
          .hasBeenStopped()
          .hasError();
    }
  }

  /** With OpenTelemetry behind it. */
  @Nested
  class Traced {

    private final InMemorySpanExporter spans = InMemorySpanExporter.create();
    private final SdkTracerProvider provider =
        SdkTracerProvider.builder().addSpanProcessor(SimpleSpanProcessor.create(spans)).build();
    private final ObservationRegistry registry = ObservationRegistry.create();

    private final OtelTracer tracer;
    private final OtelPropagator propagator;

    Traced() {
      io.opentelemetry.api.trace.Tracer otel = provider.get("test");
      CurrentTraceContext current = new OtelCurrentTraceContext();
      tracer = new OtelTracer(otel, (OtelCurrentTraceContext) current, event -> {});
      propagator =
          new OtelPropagator(
              ContextPropagators.create(W3CTraceContextPropagator.getInstance()), otel);
    }

    /** Tells the tracer of observations, as Spring Boot does, of deliveries by this one if any. */
    private void traced(ObservationHandler<?>... deliveries) {
      List<ObservationHandler<?>> handlers = new ArrayList<>(List.of(deliveries));
      handlers.addAll(
          List.of(
              new PropagatingReceiverTracingObservationHandler<>(tracer, propagator),
              new PropagatingSenderTracingObservationHandler<>(tracer, propagator),
              new DefaultTracingObservationHandler(tracer)));
      registry
          .observationConfig()
          .observationHandler(
              new ObservationHandler.FirstMatchingCompositeObservationHandler(
                  List.copyOf(handlers)));
    }

    /** The spans of the deliveries, in the order in which they began. */
    private List<SpanData> deliveries() {
      return spans.getFinishedSpanItems().stream()
          .filter(span -> span.getName().equals("orders process"))
          .sorted(Comparator.comparingLong(SpanData::getStartEpochNanos))
          .toList();
    }

    private static void assertLinked(SpanData span, SpanData before) {
      assertThat(span.getLinks())
          .singleElement()
          .satisfies(
              link -> {
                assertThat(link.getSpanContext().getTraceId()).isEqualTo(before.getTraceId());
                assertThat(link.getSpanContext().getSpanId()).isEqualTo(before.getSpanId());
              });
    }

    private static Message<byte[]> order(String text) {
      return Message.of(text.getBytes(UTF_8));
    }

    @AfterEach
    void close() {
      provider.close();
    }

    private SpanData span(String name) {
      return spans.getFinishedSpanItems().stream()
          .filter(span -> span.getName().equals(name))
          .reduce(
              (a, b) -> {
                throw new AssertionError("two spans " + name);
              })
          .orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void isOneTraceFromTheFirstSenderThroughTwoFlows(boolean linked) {
      if (linked) {
        traced(SluiceTracing.deliveries(tracer, propagator));
      } else {
        traced();
      }
      SluiceObservations observations = SluiceObservations.of(registry);
      flow(observations)
          .compete(
              text ->
                  Mono.deferContextual(
                      context -> {
                        Observation delivery = context.get(ObservationThreadLocalAccessor.KEY);
                        return Observation.createNotStarted("charge", registry)
                            .parentObservation(delivery)
                            .observe(() -> Mono.just(text));
                      }))
          .to(target)
          .start();
      observations
          .observed(Outbound.encoding(StringCodec.utf8(), orders))
          .send(Message.of("a"))
          .block(Duration.ofSeconds(30));

      SpanData first = span("orders send");
      SpanData delivery = span("orders process");
      SpanData charge = span("charge");
      SpanData second = span("shipments send");
      assertThat(List.of(first, delivery, charge, second))
          .extracting(SpanData::getTraceId)
          .containsOnly(first.getTraceId());
      assertThat(first.getParentSpanId()).isEqualTo(SpanId.getInvalid());
      assertThat(delivery.getParentSpanId()).isEqualTo(first.getSpanId());
      assertThat(charge.getParentSpanId()).isEqualTo(delivery.getSpanId());
      assertThat(second.getParentSpanId()).isEqualTo(delivery.getSpanId());
      assertThat(first.getKind()).isEqualTo(SpanKind.PRODUCER);
      assertThat(delivery.getKind()).isEqualTo(SpanKind.CONSUMER);
      assertThat(shipments.sent())
          .singleElement()
          .satisfies(
              sent ->
                  assertThat(sent.headers().get("traceparent"))
                      .contains(second.getTraceId())
                      .contains(second.getSpanId()));
    }

    @Test
    void linksAnAttemptToTheOneBefore() {
      traced(SluiceTracing.deliveries(tracer, propagator));
      AtomicInteger failures = new AtomicInteger(2);
      flow(SluiceObservations.of(registry))
          .onError(ErrorPolicy.defaults().retries(2).backoff(DELAY, DELAY).jitter(0))
          .map(
              text -> {
                if (failures.getAndDecrement() > 0) {
                  throw new IllegalStateException(text);
                }
                return text;
              })
          .to(target)
          .start();
      orders.offer("a");
      time.advanceTimeBy(DELAY.multipliedBy(2));
      assertThat(shipments.sentTexts()).containsExactly("a");
      assertThat(deliveries()).hasSize(3);
      assertThat(deliveries().get(0).getLinks()).isEmpty();
      assertLinked(deliveries().get(1), deliveries().get(0));
      assertLinked(deliveries().get(2), deliveries().get(1));
    }

    @Test
    void linksWhatWasGivenBackToWhatBecomesOfItInTheNextRun() {
      traced(SluiceTracing.deliveries(tracer, propagator));
      FlowListener observations = SluiceObservations.of(registry);
      FlowHandle first = flow(observations).compete(text -> Mono.<String>never()).start();
      orders.offer("a");
      first.stop(Duration.ZERO).subscribe();
      time.advanceTimeBy(DELAY);
      flow(observations).to(target).start();
      assertThat(shipments.sentTexts()).containsExactly("a");
      assertThat(deliveries()).hasSize(2);
      assertLinked(deliveries().get(1), deliveries().get(0));
    }

    @Test
    void linksNothingToWhatIsDone() {
      traced(SluiceTracing.deliveries(tracer, propagator));
      flow(SluiceObservations.of(registry)).to(target).start();
      Message<byte[]> twice = order("a");
      orders.offer(twice);
      orders.offer(twice);
      assertThat(deliveries()).hasSize(2).allSatisfy(s -> assertThat(s.getLinks()).isEmpty());
    }

    @Test
    void remembersNoMoreThanItMay() {
      traced(new LinkedDeliveries(tracer, propagator, 1));
      AtomicInteger failures = new AtomicInteger(2);
      flow(SluiceObservations.of(registry))
          .onError(ErrorPolicy.defaults().retries(1).backoff(DELAY, DELAY).jitter(0))
          .map(
              text -> {
                if (failures.getAndDecrement() > 0) {
                  throw new IllegalStateException(text);
                }
                return text;
              })
          .to(target)
          .start();
      orders.offer("a", "b");
      time.advanceTimeBy(DELAY);
      assertThat(shipments.sentTexts()).containsExactly("a", "b");
      assertThat(deliveries()).extracting(span -> span.getLinks().size()).contains(0, 0, 0);
    }

    @Test
    void isThatOfAStranger() {
      traced();
      flow(SluiceObservations.of(registry)).start();
      orders.offer(
          order("a")
              .withHeader(
                  "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
      SpanData delivery = span("orders process");
      assertThat(delivery.getTraceId()).isEqualTo("0af7651916cd43dd8448eb211c80319c");
      assertThat(delivery.getParentSpanId()).isEqualTo("b7ad6b7169203331");
    }
  }
}
