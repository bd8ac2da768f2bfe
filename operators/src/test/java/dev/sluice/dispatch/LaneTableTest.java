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
package dev.sluice.dispatch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

/** {@link LaneTable} against a map. */
class LaneTableTest {

  /** Equal by number, in few hash buckets. */
  private record Key(int number) {
    @Override
    public int hashCode() {
      return number % 7 << 20;
    }
  }

  private final LaneTable<String> table = new LaneTable<>();

  private Lane<String> add(Object key) {
    Lane<String> lane = new Lane<>(null, 0);
    lane.key = key;
    lane.hash = LaneTable.hash(key);
    table.add(lane);
    return lane;
  }

  @RepeatedTest(20)
  void agreesWithAMap(RepetitionInfo round) {
    Random random = new Random(round.getCurrentRepetition());
    Map<Key, Lane<String>> model = new HashMap<>();
    int keys = 1 + random.nextInt(500);
    for (int i = 0; i < 20_000; i++) {
      Key key = new Key(random.nextInt(keys));
      Lane<String> found = table.find(key, LaneTable.hash(key));
      assertThat(found).isSameAs(model.get(key));
      if (found == null) {
        model.put(key, add(key));
      } else if (random.nextInt(3) > 0) {
        table.remove(found);
        model.remove(key);
      }
      assertThat(table.size()).isEqualTo(model.size());
    }
  }

  @Test
  void givesItsMemoryBackAfterABurstOfKeys() {
    List<Lane<String>> lanes = new ArrayList<>();
    for (int i = 0; i < 100_000; i++) {
      lanes.add(add(i));
    }
    assertThat(table.capacity()).isEqualTo(1 << 17);
    for (Lane<String> lane : lanes.subList(100, lanes.size())) {
      table.remove(lane);
    }

    assertThat(table.capacity()).isLessThanOrEqualTo(1024);
    for (Lane<String> lane : lanes.subList(0, 100)) {
      assertThat(table.find(lane.key, lane.hash)).isSameAs(lane);
      table.remove(lane);
    }
    assertThat(table.capacity()).isEqualTo(LaneTable.KEPT);
  }

  @Test
  void clearGivesOutEachLaneOnceAndLeavesNone() {
    List<Lane<String>> lanes = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      lanes.add(add(new Key(i)));
    }
    List<Lane<String>> cleared = new ArrayList<>();

    table.clear(cleared::add);

    assertThat(cleared).containsExactlyInAnyOrderElementsOf(lanes);
    assertThat(table.size()).isZero();
    assertThat(table.find(new Key(1), LaneTable.hash(new Key(1)))).isNull();
  }

  @Test
  void clearToleratesALaneThatIsAddedMeanwhile() {
    add(new Key(1));

    table.clear(lane -> add(new Key(2)));

    assertThat(table.size()).isEqualTo(1);
    assertThat(table.find(new Key(2), LaneTable.hash(new Key(2)))).isNotNull();
  }

  @Test
  void refusesToRemoveALaneItDoesNotHold() {
    Lane<String> lane = add(new Key(1));
    table.remove(lane);

    assertThatIllegalStateException()
        .isThrownBy(() -> table.remove(lane))
        .withMessage("lane of Key[number=1] is not in the table");
  }

  @Test
  void findsALaneWhoseKeyHasChangedItsHash() {
    List<Integer> key = new ArrayList<>(List.of(1)); // mutable, as keys should not be
    Lane<String> lane = add(key);
    key.add(2);

    table.remove(lane);

    assertThat(table.size()).isZero();
  }
}
