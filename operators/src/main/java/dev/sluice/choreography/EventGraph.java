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
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Which events give rise to which, through whom: what nobody has written down, derived from what
 * each participant declares. Immutable.
 */
@Experimental
public final class EventGraph {

  /** What may be wrong with it. */
  public enum Kind {
    /** A participant acts on an event, or it is expected, and nobody emits it. */
    EMITTED_BY_NOBODY,
    /** An event is emitted on which nobody acts. */
    CONSUMED_BY_NOBODY,
    /** An event may give rise to itself. */
    CYCLE
  }

  /**
   * Something that is wrong.
   *
   * @param kind what it is
   * @param text which events, and who
   */
  public record Problem(Kind kind, String text) {
    @Override
    public String toString() {
      return text;
    }
  }

  /** One who makes events of events: a participant, or a deadline. */
  private record Node(String name, @Nullable String label, Map<String, Set<String>> emits) {}

  private final List<Node> nodes = new ArrayList<>();
  private final Map<String, Set<String>> failures = new HashMap<>(); // by participant
  private final Set<String> begins;
  private final Set<String> ends;
  private final Set<String> events = new LinkedHashSet<>();
  private final List<Problem> problems = new ArrayList<>();

  EventGraph(
      Collection<Participant> participants,
      Collection<Expectation<?>> expectations,
      Set<String> begins,
      Set<String> ends,
      Set<String> recurring) {
    this.begins = begins;
    this.ends = ends;
    events.addAll(begins);
    participants.forEach(this::add);
    expectations.forEach(this::add);
    nodes.forEach(
        node ->
            node.emits()
                .forEach(
                    (consumed, emitted) -> {
                      events.add(consumed);
                      events.addAll(emitted);
                    }));
    events.addAll(ends);
    findDangling();
    findCycles(recurring);
  }

  private void add(Participant participant) {
    Map<String, Set<String>> emits = new LinkedHashMap<>();
    for (Reaction<?> reaction : participant.reactions()) {
      Set<String> emitted = new LinkedHashSet<>();
      reaction.spec().successes().forEach(type -> emitted.add(type.name()));
      for (ReactionSpec.Failure<?, ?> failure : reaction.spec().failures()) {
        String type = failure.type().name();
        if (emitted.add(type)) {
          failures.computeIfAbsent(participant.name(), name -> new HashSet<>()).add(type);
        }
      }
      emits.put(reaction.trigger().name(), emitted);
    }
    nodes.add(new Node(participant.name(), null, emits));
  }

  private void add(Expectation<?> expectation) {
    Expectation.Instead<?, ?> instead = expectation.instead();
    Map<String, Set<String>> emits = new LinkedHashMap<>();
    emits.put(
        expectation.trigger().name(), instead == null ? Set.of() : Set.of(instead.type().name()));
    expectation.oneOf().forEach(type -> emits.put(type.name(), Set.of()));
    nodes.add(
        new Node(
            expectation.name(), expectation.name() + " within " + expectation.within(), emits));
  }

  // == what is wrong ==

  private void findDangling() {
    Set<String> consumed = new HashSet<>();
    Set<String> emitted = new HashSet<>();
    nodes.forEach(
        node -> {
          consumed.addAll(node.emits().keySet());
          node.emits().values().forEach(emitted::addAll);
        });
    for (String event : events) {
      if (!begins.contains(event) && !emitted.contains(event)) {
        problems.add(
            new Problem(
                Kind.EMITTED_BY_NOBODY,
                event
                    + ": emitted by nobody, "
                    + (consumed.contains(event) ? "consumed by " + consumers(event) : "an end")));
      }
      if (!ends.contains(event) && !consumed.contains(event)) {
        problems.add(
            new Problem(
                Kind.CONSUMED_BY_NOBODY,
                event
                    + ": consumed by nobody, "
                    + (emitted.contains(event) ? "emitted by " + emitters(event) : "a beginning")));
      }
    }
  }

  private String consumers(String event) {
    return nodes.stream()
        .filter(node -> node.emits().containsKey(event))
        .map(Node::name)
        .collect(Collectors.joining(", "));
  }

  private String emitters(String event) {
    return nodes.stream()
        .filter(node -> node.emits().values().stream().anyMatch(e -> e.contains(event)))
        .map(Node::name)
        .collect(Collectors.joining(", "));
  }

  private record Hop(String event, String through, @Nullable Hop from) {}

  /** Of each circle the shortest; a recurring event is where a circle may close. */
  private void findCycles(Set<String> recurring) {
    Set<String> found = new HashSet<>();
    for (String event : events) {
      if (!found.contains(event) && !recurring.contains(event)) {
        Hop back = wayBack(event, recurring);
        if (back != null) {
          Deque<String> way = new ArrayDeque<>();
          for (@Nullable Hop hop = back; hop != null; hop = hop.from()) {
            found.add(hop.event());
            way.addFirst(" -> " + hop.through() + " -> " + hop.event());
          }
          problems.add(new Problem(Kind.CYCLE, event + String.join("", way)));
        }
      }
    }
  }

  private @Nullable Hop wayBack(String start, Set<String> recurring) {
    Set<String> seen = new HashSet<>();
    Deque<Hop> next = new ArrayDeque<>(hops(start, null));
    while (!next.isEmpty()) {
      Hop hop = next.remove();
      if (hop.event().equals(start)) {
        return hop;
      }
      if (!recurring.contains(hop.event()) && seen.add(hop.event())) {
        next.addAll(hops(hop.event(), hop));
      }
    }
    return null;
  }

  private List<Hop> hops(String event, @Nullable Hop from) {
    List<Hop> hops = new ArrayList<>();
    for (Node node : nodes) {
      node.emits()
          .getOrDefault(event, Set.of())
          .forEach(emitted -> hops.add(new Hop(emitted, node.name(), from)));
    }
    return hops;
  }

  /** What is wrong with it, if anything. */
  public List<Problem> problems() {
    return List.copyOf(problems);
  }

  /** The types of all events. */
  public List<String> events() {
    return List.copyOf(events);
  }

  // == what it looks like ==

  /**
   * The graph as text for <a href="https://mermaid.js.org">Mermaid</a>: events are round,
   * participants have corners, deadlines six of them; what becomes known of a failure, and what a
   * deadline watches, is dotted.
   */
  public String toMermaid() {
    StringBuilder text = new StringBuilder("flowchart LR\n");
    Map<String, String> ids = new HashMap<>();
    for (String event : events) {
      String id = "e" + ids.size();
      ids.put(event, id);
      text.append("  ").append(id).append("([\"").append(escaped(event)).append("\"])\n");
    }
    for (int i = 0; i < nodes.size(); i++) {
      draw(text, nodes.get(i), "p" + i, ids);
    }
    mark(text, "begins", begins, ids);
    mark(text, "ends", ends, ids);
    return text.toString();
  }

  private void draw(StringBuilder text, Node node, String id, Map<String, String> ids) {
    String label = node.label();
    boolean deadline = label != null;
    text.append("  ").append(id).append(deadline ? "{{\"" : "[\"");
    text.append(escaped(label == null ? node.name() : label)).append(deadline ? "\"}}\n" : "\"]\n");
    Set<String> failed = deadline ? Set.of() : failures.getOrDefault(node.name(), Set.of());
    Set<String> drawn = new HashSet<>();
    node.emits()
        .forEach(
            (consumed, emitted) -> {
              text.append("  ").append(ids.get(consumed)).append(deadline ? " -.-> " : " --> ");
              text.append(id).append('\n');
              for (String event : emitted) {
                if (drawn.add(event)) {
                  text.append("  ").append(id);
                  text.append(failed.contains(event) ? " -. fails .-> " : " --> ");
                  text.append(ids.get(event)).append('\n');
                }
              }
            });
  }

  private static void mark(
      StringBuilder text, String what, Set<String> events, Map<String, String> ids) {
    if (!events.isEmpty()) {
      text.append("  class ");
      text.append(events.stream().map(ids::get).collect(Collectors.joining(",")));
      text.append(' ').append(what).append('\n');
    }
  }

  private static String escaped(String label) {
    return label.replace("#", "#35;").replace("\"", "#quot;");
  }

  @Override
  public String toString() {
    return "EventGraph[" + events.size() + " events, " + problems + ']';
  }
}
