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
package dev.sluice.demo.deadletters;

import java.util.ArrayDeque;
import java.util.List;

/** The last dead letters, the newest first. Thread-safe. */
public final class DeadLetterLog {

  /** How many it keeps. */
  public static final int LAST = 20;

  private final ArrayDeque<DeadLetter> last = new ArrayDeque<>(LAST);

  /** Adds the newest one; the oldest one makes room. */
  public synchronized void add(DeadLetter letter) {
    if (last.size() == LAST) {
      last.removeLast();
    }
    last.addFirst(letter);
  }

  /** The last {@value #LAST}, the newest first. */
  public synchronized List<DeadLetter> last() {
    return List.copyOf(last);
  }
}
