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
package dev.sluice.priority;

import static dev.sluice.priority.PriorityMerge.prioritize;
import static dev.sluice.priority.PriorityMerge.priorityMerge;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** The warning of a queue behind the choice. */
class QueueBehindTest {

  private final Logger log = (Logger) LoggerFactory.getLogger(PriorityMerge.class);
  private final ListAppender<ILoggingEvent> appender = new ListAppender<>();
  private final Flux<Integer> merged =
      priorityMerge(List.of(Flux.just(1), Flux.just(2)), p -> p.name("orders"));

  @BeforeEach
  void captureTheLog() {
    appender.start();
    log.addAppender(appender);
  }

  @AfterEach
  void releaseTheLog() {
    log.detachAppender(appender);
  }

  private List<String> warnings() {
    return appender.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
  }

  @Test
  void isGivenOnceForEachOperatorHoweverOftenItIsSubscribedTo() {
    Flux<Integer> buffered = merged.map(i -> i).onBackpressureBuffer();
    buffered.subscribe();
    buffered.subscribe();
    assertThat(warnings())
        .singleElement()
        .asString()
        .startsWith("orders: onBackpressureBuffer further down takes everything at once");
  }

  @Test
  void isGivenForEveryKindOfQueueThatTakesEverything() {
    Flux<Integer> prioritized =
        Flux.just(1, 2).transform(prioritize(Comparator.<Integer>naturalOrder()));
    prioritized.flatMap(Mono::just, Integer.MAX_VALUE).subscribe();
    merged.publishOn(Schedulers.immediate(), Integer.MAX_VALUE).subscribe();
    assertThat(warnings()).hasSize(2);
    assertThat(warnings().get(0)).startsWith("prioritize: flatMap ");
    assertThat(warnings().get(1)).startsWith("orders: publishOn ");
  }

  @Test
  void isNotGivenForASubscriberThatTakesEverythingOrAQueueWithABound() {
    merged.subscribe();
    merged.collectList().subscribe();
    merged.reduce(Integer::sum).subscribe();
    merged.concatMap(Mono::just, 0).subscribe();
    merged.flatMap(Mono::just, 4).subscribe();
    merged.publishOn(Schedulers.immediate(), 1).subscribe();
    merged.groupBy(i -> i).concatMap(group -> group).subscribe();
    assertThat(warnings()).isEmpty();
  }
}
