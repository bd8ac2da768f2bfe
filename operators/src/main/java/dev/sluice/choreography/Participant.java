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
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;

/**
 * One who takes part: on which events it acts, what it does, and what it makes known then. It knows
 * events, and none of the others who take part. Immutable: each method returns a changed copy.
 *
 * <pre>{@code
 * Participant unloading =
 *     Participant.named("unloading")
 *         .on(
 *             LANDED,
 *             flight -> belt.unload(flight).map(UNLOADED::of),
 *             r -> r.emits(UNLOADED).fails(JAMMED, BeltJammed.class, BeltJammed::belt));
 * }</pre>
 */
@Experimental
public final class Participant {

  /** The longest name, in characters. */
  public static final int MAX_NAME = 48;

  private final String name;
  private final Map<String, Reaction<?>> reactions;
  private final int concurrency;

  private Participant(String name, Map<String, Reaction<?>> reactions, int concurrency) {
    this.name = name;
    this.reactions = reactions;
    this.concurrency = concurrency;
  }

  /**
   * One who does nothing yet.
   *
   * @param name 1..{@value #MAX_NAME} characters, not blank. Under it the events that were dealt
   *     with are remembered: it must not change, nor be given to another
   * @throws IllegalArgumentException if it is anything else
   */
  public static Participant named(String name) {
    return new Participant(requireName("participant", name), Map.of(), 16);
  }

  static String requireName(String what, String name) {
    if (name.isBlank() || name.length() > MAX_NAME || name.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(
          what + ": \"" + name + "\" (expected: 1.." + MAX_NAME + " characters, not blank)");
    }
    return name;
  }

  /**
   * What it does about events of a type.
   *
   * @param trigger the type of the events; a participant acts in one way on each
   * @param handler called with the payload. It gives the events that follow, up to {@value
   *     Choreography#MAX_EVENTS}, and completes when it is done: what it gives is sent only then.
   *     It may be called again for the same event when its process has died, or has failed
   *     otherwise: see {@link #onMessage} for a key by which others recognise that
   * @param spec declares what it emits
   * @throws IllegalArgumentException if it acts on that type already
   */
  public <T> Participant on(
      EventType<T> trigger,
      Function<? super T, ? extends Publisher<? extends Event<?>>> handler,
      UnaryOperator<ReactionSpec> spec) {
    Objects.requireNonNull(handler, "handler");
    return onMessage(trigger, event -> handler.apply(event.payload()), spec);
  }

  /**
   * {@link #on} with the whole message, for those who need its headers, or its {@link Message#id}
   * as a key to give to whom they call.
   */
  public <T> Participant onMessage(
      EventType<T> trigger,
      Function<? super Message<T>, ? extends Publisher<? extends Event<?>>> handler,
      UnaryOperator<ReactionSpec> spec) {
    return with(new Reaction<>(trigger, Objects.requireNonNull(handler, "handler"), of(spec)));
  }

  /**
   * Declares what it does about events of a type, in another process: for the graph.
   *
   * @throws IllegalArgumentException if it acts on that type already
   */
  public Participant elsewhere(EventType<?> trigger, UnaryOperator<ReactionSpec> spec) {
    return with(new Reaction<>(trigger, null, of(spec)));
  }

  private static ReactionSpec of(UnaryOperator<ReactionSpec> spec) {
    return ReactionSpec.of(Objects.requireNonNull(spec, "spec"));
  }

  private Participant with(Reaction<?> reaction) {
    Map<String, Reaction<?>> more = new LinkedHashMap<>(reactions);
    if (more.put(reaction.trigger().name(), reaction) != null) {
      throw new IllegalArgumentException(
          name + " acts on " + reaction.trigger() + " twice (expected: once)");
    }
    return new Participant(name, more, concurrency);
  }

  /**
   * How many groups of events it works on at once. Defaults to 16.
   *
   * @param concurrency 1 or more
   */
  public Participant concurrency(int concurrency) {
    if (concurrency < 1) {
      throw new IllegalArgumentException("concurrency: " + concurrency + " (expected: >= 1)");
    }
    return new Participant(name, reactions, concurrency);
  }

  /** What it is called. */
  public String name() {
    return name;
  }

  /** The types on which it acts: what it is to be subscribed to. */
  public List<String> consumes() {
    return List.copyOf(reactions.keySet());
  }

  /** The types that it may emit, on success and on failure. */
  public List<String> emits() {
    List<String> emits = new ArrayList<>();
    for (Reaction<?> reaction : reactions.values()) {
      reaction.spec().successes().forEach(type -> emits.add(type.name()));
      reaction.spec().failures().forEach(failure -> emits.add(failure.type().name()));
    }
    return emits.stream().distinct().toList();
  }

  Collection<Reaction<?>> reactions() {
    return reactions.values();
  }

  @Nullable Reaction<?> reaction(String type) {
    return reactions.get(type);
  }

  int concurrency() {
    return concurrency;
  }

  @Override
  public String toString() {
    return "Participant[" + name + " on " + reactions.keySet() + ']';
  }
}
