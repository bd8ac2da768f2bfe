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
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * What a participant may make known when it has acted on an event. Immutable: each method returns a
 * changed copy.
 */
@Experimental
public final class ReactionSpec {

  /** A failure that is an event. */
  record Failure<E extends Exception, F>(
      EventType<F> type, Class<E> error, Function<? super E, ? extends F> payload) {

    @Nullable Event<?> of(Throwable thrown) {
      return error.isInstance(thrown)
          ? type.of(
              Objects.requireNonNull(
                  payload.apply(error.cast(thrown)), "the function of " + type + " gave null"))
          : null;
    }
  }

  private final List<EventType<?>> successes;
  private final List<Failure<?, ?>> failures;

  private ReactionSpec(List<EventType<?>> successes, List<Failure<?, ?>> failures) {
    this.successes = successes;
    this.failures = failures;
  }

  static ReactionSpec of(UnaryOperator<ReactionSpec> spec) {
    return Objects.requireNonNull(
        spec.apply(new ReactionSpec(List.of(), List.of())), "the function gave null");
  }

  /** It may emit these, when it has succeeded. An event that is not declared is not emitted. */
  public ReactionSpec emits(EventType<?>... types) {
    List<EventType<?>> more = new ArrayList<>(successes);
    more.addAll(List.of(types));
    return new ReactionSpec(List.copyOf(more), failures);
  }

  /**
   * An exception of this class is a business failure: the event was dealt with, and this is what
   * came of it. What the handler wrote in its transaction is undone, what it emitted is not sent,
   * and this event is, once. All other exceptions are failures of the infrastructure: the event is
   * tried again. Of several classes that fit the one that was declared first counts.
   *
   * @param event what becomes known then
   * @param error the class of the exception
   * @param payload what there is to know; an exception of it is one of the infrastructure
   */
  public <E extends Exception, F> ReactionSpec fails(
      EventType<F> event, Class<E> error, Function<? super E, ? extends F> payload) {
    List<Failure<?, ?>> more = new ArrayList<>(failures);
    more.add(
        new Failure<>(
            Objects.requireNonNull(event, "event"),
            Objects.requireNonNull(error, "error"),
            Objects.requireNonNull(payload, "payload")));
    return new ReactionSpec(successes, List.copyOf(more));
  }

  List<EventType<?>> successes() {
    return successes;
  }

  List<Failure<?, ?>> failures() {
    return failures;
  }
}
