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
import dev.sluice.test.LeakCheck;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Three members of six partitions come and go under load. */
@ExtendWith(LeakCheck.class)
class RebalanceTest {

  private static final Logger log = LoggerFactory.getLogger(RebalanceTest.class);

  /** Generous: nobody is to be expelled here because the machine is busy. */
  private static final Duration SESSION = Duration.ofSeconds(30);

  /** Generous, too: it is over when nothing is left to be done. */
  private static final Duration DRAIN = Duration.ofSeconds(10);

  private static final int MEMBERS = 3;

  @TempDir Path directory;

  /** How long, how often, and at least how much. */
  private record Form(Duration length, Duration beat, int works) {}

  private static final Form SHORT =
      new Form(Duration.ofSeconds(12), Duration.ofMillis(1500), 6_000);
  private static final Form LONG = new Form(Duration.ofSeconds(60), Duration.ofSeconds(3), 60_000);

  @Test
  void withADrainNothingIsDoneTwice() {
    drained(SHORT, GroupProtocol.CLASSIC);
  }

  @Test
  void withoutADrainNotMoreIsDoneTwiceThanWasOut() {
    drainless(SHORT, GroupProtocol.CLASSIC);
  }

  @ParameterizedTest
  @EnumSource
  @Tag("soak")
  void withADrainNothingIsDoneTwiceForAMinute(GroupProtocol protocol) {
    drained(LONG, protocol);
  }

  @ParameterizedTest
  @EnumSource
  @Tag("soak")
  void withoutADrainNotMoreIsDoneTwiceThanWasOutForAMinute(GroupProtocol protocol) {
    drainless(LONG, protocol);
  }

  private void drained(Form form, GroupProtocol protocol) {
    Verdict verdict = churn(form, protocol, spec -> spec.drain(DRAIN), DRAIN);
    assertThat(verdict.faults()).as("%s", verdict).isEmpty();
    assertThat(verdict.duplicates()).as("%s", verdict).isEmpty();
  }

  /** Work stops when its partition leaves, or two members would be at one key. */
  private void drainless(Form form, GroupProtocol protocol) {
    Verdict verdict = churn(form, protocol, MemberSpec::drainless, Duration.ZERO);
    assertThat(verdict.faults()).as("%s", verdict).isEmpty();
    assertThat(verdict.duplicates().values())
        .as("%s", verdict)
        .allSatisfy(n -> assertThat(n).isLessThanOrEqualTo(MEMBERS * MemberSpec.MAX_UNSETTLED));
  }

  private Verdict churn(
      Form form, GroupProtocol protocol, UnaryOperator<MemberSpec> change, Duration grace) {
    try (Arena arena = Arena.open(directory, protocol)) {
      arena.sessionTimeout(SESSION);
      Queue<LocalMember> members = new ArrayDeque<>();
      while (members.size() < MEMBERS) {
        members.add(arena.join(change));
      }
      long end = System.nanoTime() + form.length().toNanos();
      int changes = 0;
      for (; System.nanoTime() - end < 0 || arena.done() < form.works(); changes++) {
        beat(arena, form.beat());
        if (members.size() == MEMBERS) {
          members.remove().stop(grace);
        } else {
          members.add(arena.join(change));
        }
      }
      Arena.Judgement judgement = arena.finish();
      members.forEach(member -> member.stop(grace));

      Verdict verdict = judgement.verdict();
      log.warn("{} changes of membership, {}: {}", changes, protocol, verdict);
      return verdict;
    }
  }

  /** So long, and until something has been done. */
  private static void beat(Arena arena, Duration beat) {
    long end = System.nanoTime() + beat.toNanos();
    arena.awaitProgress(100);
    await(Await.LONG, () -> "the beat", () -> System.nanoTime() - end > 0);
  }
}
