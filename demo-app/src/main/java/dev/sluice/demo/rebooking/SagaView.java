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
package dev.sluice.demo.rebooking;

import dev.sluice.codec.JacksonCodec;
import dev.sluice.message.Message;
import dev.sluice.store.SagaEvent;
import dev.sluice.store.SagaEvent.Kind;
import dev.sluice.store.SagaLog.Entry;
import dev.sluice.store.SagaState;
import java.time.Instant;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A rebooking as people see it, told from its journal alone.
 *
 * @param state where it is
 * @param trip what it is about, with the references that are known
 * @param why why it went backward or is parked; empty if it did not
 * @param stuck the step that could not be undone, and for which somebody has to decide; null if
 *     there is none
 * @param steps all of its steps, in order, and how each is doing
 * @param timeline what has happened, in order
 */
record SagaView(
    String id,
    SagaState state,
    Trip trip,
    Instant openedAt,
    Instant changedAt,
    String why,
    @Nullable String stuck,
    List<Step> steps,
    List<Happening> timeline) {

  /** How a step is doing. */
  enum Doing {
    PLANNED,
    RUNNING,
    DONE,
    FAILED,
    UNDOING,
    UNDONE,
    SKIPPED
  }

  /** A step and how it is doing. */
  record Step(String name, Doing doing) {}

  /**
   * One line of the journal.
   *
   * @param step the step that it is about, or empty
   * @param note what people read, or empty
   */
  record Happening(Instant at, Kind kind, String step, String note) {}

  private static final JacksonCodec<Trip> TRIPS = JacksonCodec.json(Trip.class);

  private static final Map<Kind, Doing> DOINGS = new EnumMap<>(Kind.class);

  static {
    DOINGS.put(Kind.INTENT, Doing.RUNNING);
    DOINGS.put(Kind.DONE, Doing.DONE);
    DOINGS.put(Kind.FAILED, Doing.FAILED);
    DOINGS.put(Kind.UNDOING, Doing.UNDOING);
    DOINGS.put(Kind.UNDONE, Doing.UNDONE);
    DOINGS.put(Kind.SKIPPED, Doing.SKIPPED);
  }

  /**
   * Tells a rebooking from its journal.
   *
   * @param journal at least its opening
   */
  static SagaView of(String id, List<Entry> journal) {
    Map<String, Doing> steps = new LinkedHashMap<>();
    RebookingSaga.STEPS.forEach(step -> steps.put(step, Doing.PLANNED));
    SagaState state = SagaState.RUNNING;
    byte[] trip = {};
    String why = "";
    for (Entry entry : journal) {
      SagaEvent event = entry.event();
      Doing doing = DOINGS.get(event.kind());
      if (doing != null && !event.step().isEmpty()) {
        steps.put(event.step(), doing);
      }
      if (event.kind().state() != null) {
        state = event.kind().state();
      }
      byte[] data = event.data();
      if (data != null && (event.kind() == Kind.OPENED || event.kind() == Kind.DONE)) {
        trip = data;
      }
      if (event.kind() == Kind.TURNED || event.kind() == Kind.PARKED) {
        why = event.note();
      }
    }
    return new SagaView(
        id,
        state,
        TRIPS.decode(Message.of(trip)),
        journal.get(0).at(),
        journal.get(journal.size() - 1).at(),
        why,
        state == SagaState.PARKED ? stuck(steps) : null,
        steps.entrySet().stream().map(step -> new Step(step.getKey(), step.getValue())).toList(),
        journal.stream().map(SagaView::happening).toList());
  }

  private static @Nullable String stuck(Map<String, Doing> steps) {
    return steps.entrySet().stream()
        .filter(step -> step.getValue() == Doing.UNDOING)
        .map(Map.Entry::getKey)
        .findFirst()
        .orElse(null);
  }

  private static Happening happening(Entry entry) {
    SagaEvent event = entry.event();
    return new Happening(entry.at(), event.kind(), event.step(), event.note());
  }
}
