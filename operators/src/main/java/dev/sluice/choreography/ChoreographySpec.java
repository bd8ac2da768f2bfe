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
package dev.sluice.choreography;

import dev.sluice.Experimental;
import dev.sluice.choreography.EventGraph.Kind;
import dev.sluice.time.Timers;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * The parts and options of a {@link Choreography}. Immutable: each method returns a changed copy.
 */
@Experimental
public final class ChoreographySpec implements Cloneable {

  /** What becomes of a problem of the graph. */
  public enum Severity {
    /** Nothing starts. */
    ERROR,
    /** It is logged. */
    WARNING,
    /** It is to be found in the graph. */
    IGNORED
  }

  // Assigned only before a copy is given away.
  private Map<String, Participant> participants = Map.of();
  private Map<String, Expectation<?>> expectations = Map.of();
  private Set<String> begins = Set.of();
  private Set<String> ends = Set.of();
  private Set<String> recurring = Set.of();
  private Map<Kind, Severity> severities = Map.of();
  private @Nullable EventTrace trace;
  private @Nullable Scheduler timer;

  private ChoreographySpec() {}

  static ChoreographySpec of(UnaryOperator<ChoreographySpec> spec) {
    return Objects.requireNonNull(spec.apply(new ChoreographySpec()), "the function gave null");
  }

  private ChoreographySpec with(Consumer<ChoreographySpec> change) {
    try {
      ChoreographySpec copy = (ChoreographySpec) clone();
      change.accept(copy);
      return copy;
    } catch (CloneNotSupportedException e) {
      throw new AssertionError(e);
    }
  }

  /**
   * Who takes part, also in other processes.
   *
   * @throws IllegalArgumentException if two have the same name
   */
  public ChoreographySpec participants(Participant... more) {
    Map<String, Participant> all = new LinkedHashMap<>(participants);
    for (Participant participant : more) {
      if (all.put(participant.name(), participant) != null) {
        throw new IllegalArgumentException(
            "participants: two called " + participant.name() + " (expected: different names)");
      }
    }
    return with(copy -> copy.participants = all);
  }

  /** Events that come from outside: nobody here need emit them. */
  public ChoreographySpec begins(EventType<?>... types) {
    Set<String> all = with(begins, types);
    return with(copy -> copy.begins = all);
  }

  /** Events that are of use outside: nobody here need act on them. */
  public ChoreographySpec ends(EventType<?>... types) {
    Set<String> all = with(ends, types);
    return with(copy -> copy.ends = all);
  }

  /** Events that may come again because of themselves: a cycle through one of them is meant. */
  public ChoreographySpec recurring(EventType<?>... types) {
    Set<String> all = with(recurring, types);
    return with(copy -> copy.recurring = all);
  }

  private static Set<String> with(Set<String> names, EventType<?>... types) {
    Set<String> all = new LinkedHashSet<>(names);
    for (EventType<?> type : types) {
      all.add(type.name());
    }
    return all;
  }

  /**
   * What is to happen in time.
   *
   * @throws IllegalArgumentException if two have the same name
   */
  public ChoreographySpec expects(Expectation<?>... more) {
    Map<String, Expectation<?>> all = new LinkedHashMap<>(expectations);
    for (Expectation<?> expectation : more) {
      if (all.put(expectation.name(), expectation) != null) {
        throw new IllegalArgumentException(
            "expectations: two called " + expectation.name() + " (expected: different names)");
      }
    }
    return with(copy -> copy.expectations = all);
  }

  /** What becomes of a problem of the graph. Defaults to an error for each. */
  public ChoreographySpec on(Kind kind, Severity severity) {
    Map<Kind, Severity> all = new EnumMap<>(Kind.class);
    all.putAll(severities);
    all.put(Objects.requireNonNull(kind, "kind"), Objects.requireNonNull(severity, "severity"));
    return with(copy -> copy.severities = all);
  }

  /** Where what the participants of this process do can be looked up. Defaults to nowhere. */
  public ChoreographySpec trace(EventTrace trace) {
    Objects.requireNonNull(trace, "trace");
    return with(copy -> copy.trace = trace);
  }

  /**
   * The clock by which events are dated. Defaults to that of Schedulers.parallel().
   *
   * @throws IllegalArgumentException if it cannot do anything later
   */
  public ChoreographySpec timer(Scheduler timer) {
    Timers.require("timer", timer);
    return with(copy -> copy.timer = timer);
  }

  // == values ==

  Map<String, Participant> participants() {
    return participants;
  }

  List<Expectation<?>> expectations() {
    return new ArrayList<>(expectations.values());
  }

  EventGraph graph() {
    return new EventGraph(participants.values(), expectations.values(), begins, ends, recurring);
  }

  Set<String> ends() {
    return ends;
  }

  Severity severity(Kind kind) {
    return severities.getOrDefault(kind, Severity.ERROR);
  }

  @Nullable EventTrace trace() {
    return trace;
  }

  Scheduler timer() {
    return timer == null ? Schedulers.parallel() : timer;
  }
}
