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

import static dev.sluice.priority.PriorityMerge.priorityMerge;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.test.scheduler.VirtualTimeScheduler;

/**
 * How many less urgent elements go before an urgent one that is there: with a low source that
 * always has one, and an urgent element every 2 ms, in virtual time.
 */
@Timeout(120)
class OvertakingTest {

  private static final int URGENT = 10_000;

  /**
   * @param before how many low elements were done when it came; of an urgent one
   */
  private record Element(boolean urgent, long before) {}

  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private long low; // done
  private long urgent; // done
  private long most; // low ones done between the arrival of an urgent one and its work

  private final Flux<Element> rare =
      Flux.interval(Duration.ofMillis(2), time).map(i -> new Element(true, low)).take(URGENT);
  private final Flux<Element> flood = Flux.generate(sink -> sink.next(new Element(false, 0)));

  private Flux<Element> merged(int prefetch) {
    return priorityMerge(List.of(rare, flood), p -> p.strict().prefetch(prefetch));
  }

  private void begins(Element element) {
    if (element.urgent()) {
      most = Math.max(most, low - element.before());
    }
  }

  private void ends(Element element) {
    if (element.urgent()) {
      urgent++;
    } else {
      low++;
    }
  }

  /** Works on one element at a time, and asks for the next one when that is done. */
  private final class Worker extends BaseSubscriber<Element> {
    private final Duration work;
    private final boolean inside; // onNext: the time passes there

    Worker(Duration work, boolean inside) {
      this.work = work;
      this.inside = inside;
    }

    @Override
    protected void hookOnSubscribe(Subscription s) {
      request(1);
    }

    @Override
    protected void hookOnNext(Element element) {
      begins(element);
      if (inside) {
        time.advanceTimeBy(work);
        done(element);
      } else {
        time.schedule(() -> done(element), work.toNanos(), TimeUnit.NANOSECONDS);
      }
    }

    private void done(Element element) {
      ends(element);
      if (urgent == URGENT || low == 200 * URGENT) {
        cancel();
      } else {
        request(1);
      }
    }
  }

  private void work(Flux<Element> elements, Duration work, boolean inside) {
    elements.subscribe(new Worker(work, inside));
    for (int ms = 0; urgent < URGENT && ms < 4 * URGENT; ms++) {
      time.advanceTimeBy(Duration.ofMillis(1));
    }
    assertThat(urgent).isEqualTo(URGENT);
  }

  /** The one that was being worked on when the urgent one came. */
  @ParameterizedTest
  @CsvSource({"1,700", "16,700", "256,700", "16,1900", "16,333", "16,20"})
  void atMostOneLowElementOvertakes(int prefetch, int micros) {
    work(merged(prefetch), Duration.ofNanos(micros * 1_000L + 1), false);
    assertThat(most).isEqualTo(1);
    assertThat(low).isGreaterThan(URGENT / 20); // it was there all the time
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 16, 256})
  void atMostOneOvertakesASubscriberThatNeverReturns(int prefetch) {
    work(merged(prefetch), Duration.ofNanos(700_001), true);
    assertThat(most).isEqualTo(1);
    assertThat(low).isGreaterThan(URGENT);
  }

  /** The counter sees more than one: with a queue behind the merge, all that is in it overtakes. */
  @Test
  void aQueueBehindTheMergeUndoesIt() {
    work(merged(16).publishOn(time, 8), Duration.ofNanos(700_001), false);
    assertThat(most).isBetween(2L, 8L + 1);
  }
}
