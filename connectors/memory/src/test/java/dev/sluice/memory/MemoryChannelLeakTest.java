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
package dev.sluice.memory;

import static dev.sluice.memory.MemoryChannelTest.message;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.LeakedDelivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Outcome.Retry;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.test.scheduler.VirtualTimeScheduler;

/** A consumer that forgets what it got. Not under LeakCheck: here the leak is meant. */
class MemoryChannelLeakTest {

  private static final Logger LOG = (Logger) LoggerFactory.getLogger(LeakDetector.class);

  private final BlockingQueue<String> reports = new LinkedBlockingQueue<>();
  private final AppenderBase<ILoggingEvent> appender =
      new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
          reports.add(event.getFormattedMessage());
        }
      };
  private final MemoryChannel channel =
      MemoryChannel.create("bags", spec -> spec.scheduler(VirtualTimeScheduler.create()));

  @BeforeEach
  void captureTheLog() {
    appender.start();
    LOG.addAppender(appender);
    LOG.setAdditive(false);
  }

  @AfterEach
  void releaseTheLog() {
    LOG.detachAppender(appender);
    LOG.setAdditive(true);
  }

  @Test
  void isReportedWithItsAssemblyLineAndGetsTheMessageAgainCounted() throws Exception {
    channel.send(message("a").withGroup("x")).block();
    channel.send(message("b").withGroup("x")).block();
    AtomicReference<Outcome> outcome = new AtomicReference<>();
    TestConsumer consumer = TestConsumer.of(channel, ReceiveOptions.defaults()).unbounded();
    forget(consumer, outcome);

    Delivery<byte[]> again =
        Flux.interval(Duration.ZERO, Duration.ofMillis(10))
            .doOnNext(tick -> System.gc())
            .flatMapIterable(tick -> consumer.drain())
            .blockFirst(Duration.ofSeconds(20));

    assertThat(again).isNotNull();
    assertThat(TestConsumer.body(again)).isEqualTo("a");
    assertThat(again.origin().attempt()).isEqualTo(2);
    assertThat(outcome.get())
        .isInstanceOfSatisfying(
            Retry.class, retry -> assertThat(retry.cause()).isInstanceOf(LeakedDelivery.class));
    again.settlement().settle(Outcome.ack());
    consumer.next().settlement().settle(Outcome.ack());
    consumer.cancel();
    assertThat(reports.poll(10, TimeUnit.SECONDS)) // written after the message has gone back
        .startsWith("LEAK: bags 1 (attempt 1) was dropped undecided")
        .contains("dev.sluice.memory.MemoryChannelLeakTest");
    assertThat(reports).isEmpty();
  }

  private static void forget(TestConsumer consumer, AtomicReference<Outcome> outcome) {
    consumer.next().settlement().onDone(outcome::set);
  }
}
