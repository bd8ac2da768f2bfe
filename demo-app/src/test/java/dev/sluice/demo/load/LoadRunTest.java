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
package dev.sluice.demo.load;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.live.Frame;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

class LoadRunTest {

  private final Departures departures = Departures.ofTheWeek();
  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private final RecordingTarget target = new RecordingTarget();

  @AfterEach
  void dispose() {
    time.dispose();
  }

  private static final class RecordingTarget implements LoadRun.Target {
    final List<String> tags = new ArrayList<>();
    final List<String> unreadable = new ArrayList<>();
    Mono<String> answer = Mono.just("confirmed");

    @Override
    public Publisher<?> checkIn(String tag, Departure departure) {
      return Mono.defer(
          () -> {
            tags.add(tag);
            return answer;
          });
    }

    @Override
    public Publisher<?> writeUnreadable(String tag, Departure departure) {
      return Mono.defer(
          () -> {
            unreadable.add(tag);
            return answer;
          });
    }
  }

  private LoadRun start(int rate, int bags, double share) {
    LoadRequest request = new LoadRequest(rate, bags, share);
    LoadRun run = new LoadRun(request, new Passengers(departures, bags, 12, 1), 607, 7, 336, time);
    run.start(target);
    return run;
  }

  @Test
  void keepsItsRate() {
    LoadRun run = start(500, 10_000, 0);
    time.advanceTimeBy(Duration.ofSeconds(4));

    assertThat(run.view().sent()).isBetween(1_990, 2_010);
    assertThat(run.isRunning()).isTrue();
  }

  @Test
  void finishesAfterItsLastBag() {
    LoadRun run = start(500, 1_000, 0);
    time.advanceTimeBy(Duration.ofSeconds(3));

    assertThat(run.view())
        .extracting(Frame.Load::state, Frame.Load::sent)
        .containsExactly("finished", 1_000);
    assertThat(target.tags)
        .hasSize(1_000)
        .doesNotHaveDuplicates()
        .allMatch(t -> t.matches("0007[0-9]{6}"));
  }

  @Test
  void spreadsExactlyItsShareOfUnreadableRecords() {
    LoadRun run = start(5_000, 10_000, 0.002);
    time.advanceTimeBy(Duration.ofSeconds(1));
    assertThat(target.unreadable).hasSizeBetween(9, 11);
    time.advanceTimeBy(Duration.ofSeconds(2));

    assertThat(target.unreadable).hasSize(20);
    assertThat(target.tags).hasSize(9_980);
    assertThat(run.view().unreadable()).isEqualTo(20);
    assertThat(run.view().sent()).isEqualTo(10_000);
  }

  @Test
  void waitsWhenNothingIsConfirmed() {
    target.answer = Mono.never();
    LoadRun run = start(5_000, 10_000, 0);
    time.advanceTimeBy(Duration.ofSeconds(10));

    assertThat(target.tags).hasSize(LoadRun.MAX_OUTSTANDING);
    assertThat(run.view().sent()).isZero();
  }

  @Test
  void stops() {
    LoadRun run = start(100, 10_000, 0);
    time.advanceTimeBy(Duration.ofSeconds(1));
    run.stop();
    int sent = run.view().sent();
    time.advanceTimeBy(Duration.ofSeconds(5));

    assertThat(run.view())
        .extracting(Frame.Load::state, Frame.Load::sent)
        .containsExactly("stopped", sent);
  }

  @Test
  void failsWithWhatABagFailedWith() {
    target.answer = Mono.error(new IllegalStateException("no broker"));
    LoadRun run = start(100, 10_000, 0);
    time.advanceTimeBy(Duration.ofSeconds(1));

    assertThat(run.view())
        .extracting(Frame.Load::state, Frame.Load::failure)
        .containsExactly("failed", "no broker");
    assertThat(run.isRunning()).isFalse();
  }

  @Test
  void staysFinishedWhenItIsStoppedAfterwards() {
    LoadRun run = start(500, 10, 0);
    time.advanceTimeBy(Duration.ofSeconds(1));
    run.stop();

    assertThat(run.view().state()).isEqualTo("finished");
  }
}
