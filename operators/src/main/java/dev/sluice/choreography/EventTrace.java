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
import dev.sluice.message.Message;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What became of an event: who acted on it, and what followed, by the correlation id that all of it
 * has in common. It is in memory and bounded: the conversation of which nothing was heard for
 * longest is forgotten first, and of one that goes on the first steps.
 *
 * <p>It hears what the participants of this process do, where {@link ChoreographySpec#trace} says
 * so; to see those of others, give it their events: {@link #observe}.
 *
 * <p>Thread-safe.
 */
@Experimental
public final class EventTrace implements Metered {

  /** What has happened with an event. */
  public enum What {
    /** It passed by. */
    SEEN,
    /** A participant has acted on it. */
    CONSUMED,
    /** A participant had acted on it before: it came again. */
    REPEATED,
    /** It was emitted, after a success. */
    EMITTED,
    /** It was emitted, after a business failure. */
    FAILED,
    /** It was emitted by a deadline, because what was expected has not come. */
    OVERDUE
  }

  /**
   * One thing that happened.
   *
   * @param what what it was
   * @param type the type of the event
   * @param id its id
   * @param cause the id of the event that it follows from; null for the first
   * @param by who did it, a participant or a deadline; null if the event was only seen
   * @param at when it was noted
   */
  public record Step(
      What what, String type, String id, @Nullable String cause, @Nullable String by, Instant at) {}

  private final int conversations;
  private final int steps;
  private final Map<String, List<Step>> byCorrelation = // guarded by this
      new LinkedHashMap<>(16, 0.75f, true);
  private long forgotten; // guarded by this

  private EventTrace(int conversations, int steps) {
    this.conversations = conversations;
    this.steps = steps;
  }

  /** A trace of the last 1000 conversations with 100 steps each. */
  public static EventTrace create() {
    return create(1_000, 100);
  }

  /**
   * A trace.
   *
   * @param conversations how many are kept, 1..1 000 000
   * @param steps how many are kept of each, 1..10 000
   * @throws IllegalArgumentException if one is out of range
   */
  public static EventTrace create(int conversations, int steps) {
    if (conversations < 1 || conversations > 1_000_000) {
      throw new IllegalArgumentException(
          "conversations: " + conversations + " (expected: 1..1000000)");
    }
    if (steps < 1 || steps > 10_000) {
      throw new IllegalArgumentException("steps: " + steps + " (expected: 1..10000)");
    }
    return new EventTrace(conversations, steps);
  }

  /** Notes an event that passes by, of another process, say. */
  public void observe(Message<?> event) {
    add(What.SEEN, event, null, Instant.now());
  }

  void add(What what, Message<?> event, @Nullable String by, Instant at) {
    Step step = new Step(what, event.type(), event.id(), event.causationId(), by, at);
    String correlation = Expectation.conversation(event);
    synchronized (this) {
      List<Step> known = byCorrelation.get(correlation);
      if (known == null) {
        known = new ArrayList<>(4);
        byCorrelation.put(correlation, known);
        if (byCorrelation.size() > conversations) {
          Iterator<List<Step>> eldest = byCorrelation.values().iterator();
          eldest.next();
          eldest.remove();
          forgotten++;
        }
      }
      if (known.size() == steps) {
        known.remove(0);
      }
      known.add(step);
    }
  }

  /**
   * The steps of a conversation, in the order in which they were noted here.
   *
   * @param correlationId that of any of its events, or the id of its first
   * @return empty if nothing is known of it, or not any more
   */
  public List<Step> of(String correlationId) {
    Objects.requireNonNull(correlationId, "correlationId");
    synchronized (this) {
      return List.copyOf(byCorrelation.getOrDefault(correlationId, List.of()));
    }
  }

  private synchronized int size() {
    return byCorrelation.size();
  }

  private synchronized long forgotten() {
    return forgotten;
  }

  /** {@code sluice.choreography.traced} and {@code .forgotten}, in conversations. */
  @Override
  public void meters(Meters meters) {
    String unit = "conversations";
    meters.gauge("sluice.choreography.traced", unit, "That can be looked up", this::size);
    meters.counter(
        "sluice.choreography.forgotten", unit, "That gave way to later ones", this::forgotten);
  }
}
