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
package dev.sluice.retry;

import dev.sluice.delivery.Delivery;
import java.util.regex.Pattern;

/** A delivery with what was tried so far. */
final class Tried {

  /* Written in the drain, or by who decides a try, before the lane is told; hence never at once. */

  private static final Pattern NUMBER = Pattern.compile("[0-9]{1,7}");

  final Delivery<byte[]> delivery;

  /** How often it was delayed already. */
  private int rounds;

  /** Attempts of earlier rounds, as far as anybody has counted them. */
  private int before;

  /** Which attempt of this round it is, and those in the lane before this round. */
  private int attempt;

  private int inLane;

  Tried(Delivery<byte[]> delivery) {
    this.delivery = delivery;
    this.rounds = retries(delivery) + delivery.origin().attempt() - 1;
    this.before = rounds;
  }

  /** How often it waited in a channel for that. */
  static int retries(Delivery<byte[]> delivery) {
    String text = delivery.message().headers().get(Retrying.RETRIES_HEADER);
    return text != null && NUMBER.matcher(text).matches() ? Integer.parseInt(text) : 0;
  }

  int rounds() {
    return rounds;
  }

  int attempt() {
    return attempt;
  }

  /** An attempt begins, of all in the lane the so-manyeth. */
  void begin(int laneAttempt) {
    attempt = laneAttempt - inLane;
  }

  /** All attempts so far, {@code inRound} of them in this round. */
  int attempts(int inRound) {
    return before + Math.max(attempt, inRound);
  }

  /** It is delayed in place. */
  void nextRound(int inRound) {
    before = attempts(inRound);
    rounds++;
    inLane += attempt;
    attempt = 0;
  }
}
