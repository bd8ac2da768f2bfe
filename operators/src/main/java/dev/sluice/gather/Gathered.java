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
package dev.sluice.gather;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a gather has brought together.
 *
 * @param legs one for each recipient, in the order in which they were selected, and then the
 *     fallback's, if it was asked and gave something
 * @param why what ended it
 * @param complete whether it has what was wanted. When all were wanted, that is an answer or an
 *     empty end of every recipient; a fallback does not make it complete
 * @param agreed the answer on which the quorum agreed, the first of the equal ones; null unless
 *     {@code why} is QUORUM
 * @param took from the subscription to the end of the gather, without the fallback
 * @param <R> the answers
 */
public record Gathered<R>(
    List<Leg<R>> legs, Completion why, boolean complete, @Nullable R agreed, Duration took) {

  public Gathered {
    legs = List.copyOf(legs);
  }

  /** The answers, in the order of the legs. */
  public List<R> answers() {
    List<R> answers = new ArrayList<>(legs.size());
    for (Leg<R> leg : legs) {
      R answer = leg.answer();
      if (answer != null) {
        answers.add(answer);
      }
    }
    return answers;
  }

  /** The leg of a recipient, or null when it was not selected. */
  public @Nullable Leg<R> leg(String recipient) {
    Objects.requireNonNull(recipient, "recipient");
    for (Leg<R> leg : legs) {
      if (leg.recipient().equals(recipient)) {
        return leg;
      }
    }
    return null;
  }

  Gathered<R> with(Leg<R> fallback) {
    List<Leg<R>> more = new ArrayList<>(legs);
    more.add(fallback);
    return new Gathered<>(more, why, complete, agreed, took);
  }
}
