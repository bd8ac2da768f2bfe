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
package dev.sluice.supervisor;

import static dev.sluice.store.Remedy.retry;

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.codec.StringCodec;
import dev.sluice.memory.MemoryTaskStore;
import dev.sluice.message.Message;
import dev.sluice.store.TaskStore;
import dev.sluice.test.marble.MarbleScript;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** What the diagram shows is what happens. */
class SupervisorMarbleTest {

  private static final Path SCRIPT =
      Path.of("../../operators/src/main/java/dev/sluice/supervisor/doc-files/supervisor.marble");

  private static final StringCodec UTF8 = StringCodec.utf8();

  private record TimeOf(Scheduler scheduler) {
    Clock clock() {
      return new Clock() {
        @Override
        public Instant instant() {
          return Instant.EPOCH.plusNanos(scheduler.now(TimeUnit.NANOSECONDS));
        }

        @Override
        public ZoneId getZone() {
          return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
          throw new IllegalArgumentException("zone: " + zone + " (expected: none, it is UTC)");
        }
      };
    }
  }

  private static Map<String, Flux<String>> agents(Flux<String> tasks) {
    Scheduler timer = Schedulers.parallel();
    TaskStore store = MemoryTaskStore.create(10, new TimeOf(timer).clock());
    Map<String, Sinks.Many<String>> seen = Map.of("fuel", lane(), "clean", lane(), "load", lane());
    Agent<String, String> agent =
        Agent.of(
            "agent",
            store,
            UTF8,
            UTF8,
            (input, context) -> {
              String step = context.key().step();
              see(seen, step, 0);
              return Mono.delay(Duration.ofMillis(3), timer)
                  .map(
                      time -> {
                        see(seen, step, 1);
                        return step;
                      });
            },
            s -> s.timer(timer).lease(Duration.ofMillis(6)));
    Outbound<byte[]> ground =
        new Outbound<>() {
          private boolean first = true;

          @Override
          public String name() {
            return "ground";
          }

          @Override
          public Mono<Receipt> send(Message<byte[]> message) {
            return Mono.fromSupplier(
                () -> {
                  if (first) {
                    StepMessage step = StepMessage.read(message.payload());
                    see(seen, step.key().step(), 0);
                    store // and it dies
                        .claim(step.key(), step.version(), "mortal", Duration.ofMillis(6))
                        .block();
                  } else {
                    agent.apply(message.payload()).subscribe();
                  }
                  first = false;
                  return new Receipt("ground", message.id(), "sent");
                });
          }
        };
    TaskScheduler scheduler = TaskScheduler.start(store, List.of(ground), s -> s.timer(timer));
    Supervisor supervisor =
        Supervisor.start(
            store, s -> s.timer(timer).pollInterval(Duration.ofMillis(1)), nanos -> nanos);
    TaskPlan turnaround =
        TaskPlan.of("turnaround")
            .step("fuel", "ground", "", UTF8, s -> s.remedies(retry(3, Duration.ZERO)))
            .step("clean", "ground", "", UTF8)
            .step("load", "ground", "", UTF8, s -> s.after("fuel", "clean"));
    Flux<String> load =
        Flux.merge(
                seen.get("load").asFlux(),
                tasks.concatMap(id -> scheduler.run(id, turnaround)).thenMany(Flux.<String>empty()))
            .takeUntil("l1"::equals)
            .doFinally(
                signal -> {
                  scheduler.stop().subscribe();
                  supervisor.stop().subscribe();
                });
    return Map.of(
        "fuel", seen.get("fuel").asFlux(), "clean", seen.get("clean").asFlux(), "load", load);
  }

  private static Sinks.Many<String> lane() {
    return Sinks.many().unicast().onBackpressureBuffer();
  }

  private static void see(Map<String, Sinks.Many<String>> seen, String step, int done) {
    seen.get(step).tryEmitNext(step.substring(0, 1) + done).orThrow();
  }

  @Test
  void theSupervisorHasAStepDoneAgain() {
    MarbleScript.load(SCRIPT).verifyLanes(in -> agents(in.get("task")));
  }

  @Test
  void thePictureIsFresh() {
    MarbleScript.verifyPicture(SCRIPT);
  }
}
