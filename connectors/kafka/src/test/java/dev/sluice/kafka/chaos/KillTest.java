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

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.kafka.GroupProtocol;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Members are killed in mid-work, again and again, and replaced. */
class KillTest {

  private static final Logger log = LoggerFactory.getLogger(KillTest.class);

  /** In the soak; {@code -Dchaos.kills} makes it shorter or longer. */
  private static final int MANY = Integer.getInteger("chaos.kills", 50);

  /** So much is done between two kills that the victim was in the middle of it. */
  private static final int WORK_BETWEEN_KILLS = 500;

  @TempDir Path directory;

  @Test
  void fiveKillsLoseNothing() {
    kill(5, GroupProtocol.CLASSIC, true);
  }

  /** A static member takes its partitions over at once. */
  @Test
  @Tag("soak")
  void manyKillsOfStaticMembersLoseNothing() {
    kill(MANY, GroupProtocol.CLASSIC, true);
  }

  /** The partitions of a dynamic member wait until its session has ended. */
  @ParameterizedTest
  @EnumSource
  @Tag("soak")
  void manyKillsOfDynamicMembersLoseNothing(GroupProtocol protocol) {
    kill(MANY, protocol, false);
  }

  private void kill(int times, GroupProtocol protocol, boolean staticMembers) {
    try (Arena arena = Arena.open(directory, protocol)) {
      List<MemberProcess> members = new ArrayList<>();
      for (int seat = 0; seat < 2; seat++) {
        members.add(launch(arena, seat, staticMembers));
      }
      for (int i = 0; i < times; i++) {
        int seat = i % members.size();
        arena.awaitProgress(WORK_BETWEEN_KILLS);
        members.get(seat).kill();
        members.set(seat, launch(arena, seat, staticMembers));
      }
      arena.awaitProgress(WORK_BETWEEN_KILLS);
      Arena.Judgement judgement = arena.finish();
      members.forEach(MemberProcess::stop);

      Verdict verdict = judgement.verdict();
      log.warn("{} kills, {}: {}", times, protocol, verdict);
      assertThat(verdict.faults()).as("%s", verdict).isEmpty();
    }
  }

  private static MemberProcess launch(Arena arena, int seat, boolean staticMembers) {
    return arena.launch(spec -> staticMembers ? spec.staticMember("seat-" + seat) : spec);
  }
}
