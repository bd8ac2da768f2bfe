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
package dev.sluice.pubsub;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The buffers, against lists that are searched. */
class WaitingTest {

  private record Item(int key, int number) {}

  /** What a policy does to a list; the result is what has to go. */
  private interface Model {
    Item offer(List<Item> list, Item item, int capacity);
  }

  private static void agrees(Waiting<Item> waiting, Model model) {
    Random random = new Random(7);
    List<Item> list = new ArrayList<>();
    for (int i = 0; i < 100_000; i++) {
      if (random.nextInt(5) < 3) {
        Item item = new Item(random.nextInt(6), i);
        assertThat(waiting.offer(item, item.key()))
            .isEqualTo(model.offer(list, item, waiting.capacity));
      } else {
        assertThat(waiting.poll()).isEqualTo(list.isEmpty() ? null : list.remove(0));
      }
      assertThat(waiting.size()).isEqualTo(list.size()).isLessThanOrEqualTo(waiting.capacity);
    }
    waiting.clear();
    assertThat(waiting.size()).isZero();
  }

  @Test
  void theOldestGoes() {
    agrees(
        new Waiting.InOrder<>(4, true),
        (list, item, capacity) -> {
          list.add(item);
          return list.size() > capacity ? list.remove(0) : null;
        });
  }

  @Test
  void theNewestGoes() {
    agrees(
        new Waiting.InOrder<>(4, false),
        (list, item, capacity) -> {
          if (list.size() == capacity) {
            return item;
          }
          list.add(item);
          return null;
        });
  }

  @Test
  void theOneWithTheSameKeyGoesElseTheOldest() {
    agrees(
        new Waiting.ByKey<>(4),
        (list, item, capacity) -> {
          for (int i = 0; i < list.size(); i++) {
            if (list.get(i).key() == item.key()) {
              return list.set(i, item);
            }
          }
          list.add(item);
          return list.size() > capacity ? list.remove(0) : null;
        });
  }
}
