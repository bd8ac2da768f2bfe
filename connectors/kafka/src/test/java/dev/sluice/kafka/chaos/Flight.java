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

/**
 * One run of a worker, from its beginning to its end, as {@link System#nanoTime}.
 *
 * @param book whose ledger it stands in: one life of one member
 * @param epoch the period of ownership of the partition
 */
record Flight(
    String book,
    int key,
    int seq,
    int partition,
    long offset,
    long epoch,
    long begin,
    long end,
    Fate fate) {

  /** How it ended. */
  enum Fate {
    /** The effect has happened. */
    DONE,
    /** It failed, and is to be tried again. */
    FAILED,
    /** It was told to stop before it had an effect. */
    CANCELLED,
    /** It has no end; {@link Flight#end} is the last sign of life of its member. */
    OPEN
  }

  boolean isDone() {
    return fate == Fate.DONE;
  }

  /** One piece of work has one id, however often it is done. */
  long id() {
    return (long) key << 32 | seq;
  }

  @Override
  public String toString() {
    return "%d#%d %s by %s in epoch %d at %d@%d, %,d to %,d ns"
        .formatted(key, seq, fate, book, epoch, partition, offset, begin, end);
  }
}
