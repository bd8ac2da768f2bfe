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
package dev.sluice.kafka.chaos;

import static dev.sluice.kafka.chaos.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.kafka.GroupProtocol;
import dev.sluice.kafka.chaos.Flight.Fate;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A member stands still for longer than its session lasts, as in a long pause of its machine, and
 * goes on where it was, not knowing that another one has its partitions. What it does until it
 * learns of it no connector can undo, and a sink must refuse by the epoch; but it counts for
 * nothing.
 */
class FreezeTest {

  private static final Logger log = LoggerFactory.getLogger(FreezeTest.class);
  private static final int STUCK = 5;

  /** In the soak; {@code -Dchaos.freezes} makes it shorter or longer. */
  private static final int TIMES = Integer.getInteger("chaos.freezes", 10);

  @TempDir Path directory;

  @Test
  void whatAFrozenMemberStillDoesChangesNothing() {
    freeze(1, GroupProtocol.CLASSIC);
  }

  @Test
  @Tag("soak")
  void norWithTheConsumerProtocol() {
    freeze(1, GroupProtocol.CONSUMER);
  }

  @ParameterizedTest
  @EnumSource
  @Tag("soak")
  void whatAFrozenMemberStillDoesChangesNothingTenTimes(GroupProtocol protocol) {
    freeze(TIMES, protocol);
  }

  private void freeze(int times, GroupProtocol protocol) {
    try (Arena arena = Arena.open(directory, protocol)) {
      if (protocol == GroupProtocol.CONSUMER) {
        arena.sessionTimeout(Duration.ofSeconds(10)); // the broker knows one for all members
      }
      MemberProcess frozen = arena.launch(spec -> spec.lossGrace(Duration.ofMillis(200)));
      MemberProcess other = arena.launch(spec -> spec.sessionTimeout(Duration.ofSeconds(30)));
      List<Flight> stuck = new ArrayList<>();
      for (int i = 0; i < times; i++) {
        awaitFlight(arena, frozen, Flight::isDone);
        awaitFlight(arena, other, Flight::isDone);
        stuck.addAll(freeze(arena, frozen, other));
      }
      Arena.Judgement judgement = arena.finish();
      frozen.stop();
      other.stop();

      Verdict verdict = judgement.behindAFence();
      log.warn("frozen {} times, {}: {}", times, protocol, verdict);
      assertThat(verdict.faults()).as("%s", verdict).isEmpty();
      // The other member has lost nothing, ever; what was under way in the frozen one was told so.
      String name = stuck.get(0).book();
      assertThat(verdict.fenced()).allMatch(flight -> flight.book().equals(name));
      assertThat(verdict.fenced().stream().filter(flight -> flight.fate() == Fate.CANCELLED))
          .extracting(Flight::id)
          .containsAll(stuck.stream().map(Flight::id).toList());
    }
  }

  /** Returns what was under way when the member was frozen, and had no end of its own. */
  private static List<Flight> freeze(Arena arena, MemberProcess frozen, MemberProcess other) {
    frozen.tell(MemberMain.STICKY);
    await(
        Await.LONG,
        () -> "half of the workers stuck in " + arena + arena.states(),
        () ->
            open(arena, frozen).stream().filter(f -> LocalMember.sticks(f.key(), f.seq())).count()
                >= MemberSpec.CONCURRENCY / 2);
    frozen.freeze();
    List<Flight> open = open(arena, frozen);
    Set<Integer> partitions = open.stream().map(Flight::partition).collect(Collectors.toSet());
    long epoch = open.stream().mapToLong(Flight::epoch).max().orElseThrow();
    for (int partition : partitions) {
      awaitFlight(arena, other, f -> f.partition() == partition && f.epoch() > epoch && f.isDone());
    }
    arena.awaitProgress(500);
    frozen.tell(MemberMain.NOT_STICKY);
    frozen.thaw();
    awaitFlight(arena, frozen, f -> f.epoch() > epoch && f.isDone());
    List<Long> ended =
        arena.flights(frozen).stream()
            .filter(f -> f.epoch() <= epoch && f.isDone())
            .map(Flight::id)
            .toList();
    List<Flight> stuck = open.stream().filter(f -> !ended.contains(f.id())).toList();
    assertThat(stuck).hasSizeGreaterThanOrEqualTo(STUCK);
    return stuck;
  }

  private static List<Flight> open(Arena arena, MemberProcess member) {
    return arena.flights(member).stream().filter(f -> f.fate() == Fate.OPEN).toList();
  }

  private static void awaitFlight(
      Arena arena, MemberProcess member, Predicate<? super Flight> condition) {
    await(
        Await.LONG,
        () -> "a certain flight in " + arena + arena.states(),
        () -> {
          member.requireAlive();
          return arena.flights(member).stream().anyMatch(condition);
        });
  }
}
