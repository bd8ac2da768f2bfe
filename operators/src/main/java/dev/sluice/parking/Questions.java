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
package dev.sluice.parking;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * Asks the lot whether groups are parked: one question at a time, about all that came meanwhile. An
 * answer was given after its question had come, which is what the asker needs: whoever parked the
 * group before was done with it by then.
 */
final class Questions {

  /*
   * Threads: isParked on any thread; answers come on one of the store's.
   *
   * asking   whoever sets it owns the next question; given up only with a look at the queue after
   *          that, so that nobody waits unasked
   */

  private static final int MOST_AT_ONCE = 1_000;

  private static final class Question {
    final String group;
    final Sinks.One<Boolean> answer = Sinks.one();
    volatile boolean wanted = true;

    Question(String group) {
      this.group = group;
    }

    boolean isWanted() {
      return wanted;
    }
  }

  private final Lot lot;
  private final Queue<Question> waiting = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean asking = new AtomicBoolean();

  Questions(Lot lot) {
    this.lot = lot;
  }

  /** Whether the group is parked, or being drained. */
  Mono<Boolean> isParked(String group) {
    return Mono.defer(
        () -> {
          Question question = new Question(group);
          waiting.add(question);
          askNext();
          return question.answer.asMono().doOnCancel(() -> question.wanted = false);
        });
  }

  private void askNext() {
    while (!waiting.isEmpty() && asking.compareAndSet(false, true)) {
      List<Question> questions = new ArrayList<>();
      Set<String> groups = new HashSet<>();
      while (groups.size() < MOST_AT_ONCE) {
        Question question = waiting.poll();
        if (question == null) {
          break;
        }
        questions.add(question);
        groups.add(question.group);
      }
      if (questions.isEmpty()) {
        asking.set(false);
      } else {
        lot.untilItAnswers(
                Mono.defer(() -> lot.store().parked(lot.flow(), groups).collectList()),
                () -> questions.stream().anyMatch(Question::isWanted))
            .subscribe(parked -> answer(questions, new HashSet<>(parked)), nobodyWaits -> goOn());
      }
    }
  }

  private void answer(List<Question> questions, Set<String> parked) {
    for (Question question : questions) {
      question.answer.tryEmitValue(parked.contains(question.group));
    }
    goOn();
  }

  private void goOn() {
    asking.set(false);
    askNext();
  }
}
