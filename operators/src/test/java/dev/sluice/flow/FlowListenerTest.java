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
package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import dev.sluice.channel.DeliveryListener;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.FlowListener;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import dev.sluice.observe.FlowStep;
import dev.sluice.test.MeterReadings;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/** What others see of a flow: what its listener hears, its meters and its steps. */
class FlowListenerTest extends FlowFixture {

  private static final String WHO = "test.who";

  /** Writes down what it hears, and puts the id of the message into the context. */
  private final class Notes implements FlowListener {

    final List<String> heard = new ArrayList<>();

    @Override
    public void started(FlowHandle flow) {
      heard.add("started " + flow.name());
    }

    @Override
    public void ended(FlowHandle flow) {
      heard.add("ended " + flow.name() + ' ' + flow.stats().state());
    }

    @Override
    public DeliveryListener received(FlowHandle flow, Delivery<?> delivery) {
      String who = new String((byte[]) delivery.message().payload(), StandardCharsets.UTF_8);
      heard.add("received " + who);
      return new DeliveryListener() {
        @Override
        public ContextView context() {
          return Context.of(WHO, who);
        }

        @Override
        public void done(Outcome outcome) {
          heard.add("done " + who + ' ' + outcome.getClass().getSimpleName());
        }
      };
    }

    @Override
    public <T> Outbound<T> sending(FlowHandle flow, Outbound<T> target) {
      heard.add("will send to " + target.name());
      return new Outbound<>() {
        @Override
        public String name() {
          return target.name();
        }

        @Override
        public Mono<Receipt> send(Message<T> message) {
          return Mono.deferContextual(
              context -> {
                heard.add("sends for " + context.getOrDefault(WHO, "nobody"));
                return target.send(message);
              });
        }
      };
    }
  }

  private final Notes notes = new Notes();

  private static Mono<String> who(String payload) {
    return Mono.deferContextual(
        context -> Mono.just(payload + " for " + context.getOrDefault(WHO, "nobody")));
  }

  @Nested
  class Listener {

    @Test
    void hearsOfEveryDeliveryFromBeginningToEnd() {
      FlowHandle handle = flow().named("ship").listener(notes).to(target).start();
      source.offer("a1");
      handle.stop(Duration.ZERO).subscribe();
      assertThat(notes.heard)
          .containsExactly(
              "started ship",
              "will send to shipments",
              "received a1",
              "sends for a1",
              "done a1 Ack",
              "ended ship STOPPED");
    }

    @Test
    void hearsHowADeliveryEndedBadly() {
      flow()
          .filter(
              text -> {
                throw new IllegalArgumentException(text);
              })
          .listener(notes)
          .start();
      source.offer("a1");
      assertThat(notes.heard).contains("done a1 Reject");
      assertDeadLetters(DeadLetterReason.POISON, "a1");
    }

    @Test
    void hearsOfWhatExpiredBeforeItBegan() {
      flow().listener(notes).start();
      source.offer(message("a1").expiringAt(clock.instant().minusSeconds(1)));
      assertThat(notes.heard).endsWith("received a1", "done a1 Reject");
    }

    @Test
    void thatThrowsChangesNothing() {
      FlowListener broken =
          new FlowListener() {
            @Override
            public void started(FlowHandle flow) {
              throw new IllegalStateException("started");
            }

            @Override
            public DeliveryListener received(FlowHandle flow, Delivery<?> delivery) {
              if (text(delivery).equals("a1")) {
                throw new IllegalStateException("received");
              }
              return outcome -> {
                throw new IllegalStateException("done");
              };
            }

            @Override
            public <T> Outbound<T> sending(FlowHandle flow, Outbound<T> target) {
              throw new IllegalStateException("sending");
            }

            @Override
            public void ended(FlowHandle flow) {
              throw new IllegalStateException("ended");
            }
          };
      FlowHandle handle = flow().listener(broken).to(target).start();
      source.offer("a1");
      source.offer("b1");
      handle.stop(Duration.ZERO).subscribe();
      assertThat(shipments.sentTexts()).containsExactly("a1", "b1");
      assertThat(handle.stats().state()).isEqualTo(FlowHandle.State.STOPPED);
      assertSettled(handle);
    }

    private static String text(Delivery<?> delivery) {
      return new String((byte[]) delivery.message().payload(), StandardCharsets.UTF_8);
    }
  }

  @Nested
  class ContextOfADelivery {

    @Test
    void reachesWorkersAndSends() {
      flow()
          .listener(notes)
          .groupedConvoy(Message::group, FlowListenerTest::who)
          .to(target)
          .start();
      source.offer("a1");
      source.offer("b1");
      assertThat(shipments.sentTexts()).containsExactly("a1 for a1", "b1 for b1");
      assertThat(notes.heard).contains("sends for a1", "sends for b1");
    }

    @Test
    void reachesWorkersThatEmitMany() {
      flow()
          .listener(notes)
          .groupedConvoy(
              Message::group, text -> Flux.just(text, text).flatMap(FlowListenerTest::who))
          .to(target)
          .start();
      source.offer("a1");
      assertThat(shipments.sentTexts()).containsExactly("a1 for a1", "a1 for a1");
      assertThat(notes.heard).filteredOn("sends for a1"::equals).hasSize(2);
    }

    @Test
    void reachesThePartsOfAMessage() {
      flow()
          .listener(notes)
          .split(text -> Flux.just(text + "x", text + "y"))
          .compete(FlowListenerTest::who)
          .to(target)
          .start();
      source.offer("a1");
      assertThat(shipments.sentTexts()).containsExactly("a1x for a1", "a1y for a1");
    }

    @Test
    void isThatOfNobodyWithoutAListener() {
      flow().compete(FlowListenerTest::who).to(target).start();
      source.offer("a1");
      assertThat(shipments.sentTexts()).containsExactly("a1 for nobody");
    }
  }

  @Nested
  class Shown {

    @Test
    void areTheNumbersOfARunningFlow() {
      Sinks.One<String> work = Sinks.one();
      FlowHandle handle =
          flow()
              .named("ship")
              .maxUnsettled(32)
              .groupedConvoy(
                  Message::group,
                  text -> text.equals("b1") ? work.asMono() : Mono.just(text),
                  c -> c.concurrency(8).lookAhead(16))
              .start();
      MeterReadings readings = MeterReadings.of(handle);
      source.offer("a1");
      source.offer("b1");
      source.offer("b2");
      assertThat(readings.read())
          .contains(
              entry("sluice.deliveries{flow=ship, outcome=acknowledged}", 1.0),
              entry("sluice.deliveries{flow=ship, outcome=rejected}", 0.0),
              entry("sluice.deliveries.unsettled{flow=ship}", 2.0),
              entry("sluice.deliveries.window{flow=ship}", 32.0),
              entry("sluice.flow.buffered{flow=ship}", 2.0),
              entry("sluice.flow.stalled{flow=ship}", 0.0),
              entry("sluice.flow.up{flow=ship}", 1.0));
      assertThat(handle.steps()).containsExactly(new FlowStep("groupedConvoy", 2, 16));

      work.tryEmitValue("done");
      assertThat(readings.read())
          .contains(
              entry("sluice.deliveries{flow=ship, outcome=acknowledged}", 3.0),
              entry("sluice.deliveries.unsettled{flow=ship}", 0.0),
              entry("sluice.flow.buffered{flow=ship}", 0.0));

      handle.stop(Duration.ZERO).subscribe();
      assertThat(readings.read()).contains(entry("sluice.flow.up{flow=ship}", 0.0));
      assertThat(handle.steps()).isEmpty();
    }
  }
}
