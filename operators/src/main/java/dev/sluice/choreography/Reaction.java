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

import dev.sluice.message.Message;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;

/**
 * What one participant does about one kind of event.
 *
 * @param handler null if it is done elsewhere
 */
record Reaction<T>(
    EventType<T> trigger,
    @Nullable Function<? super Message<T>, ? extends Publisher<? extends Event<?>>> handler,
    ReactionSpec spec) {

  /** The events of a success, as the handler gives them. */
  Flux<Event<?>> handle(Message<T> event) {
    return Flux.<Event<?>>from(
            Objects.requireNonNull(
                Objects.requireNonNull(handler, "handler").apply(event), "the handler gave null"))
        .doOnNext(
            emitted -> {
              if (!spec.successes().contains(emitted.type())) {
                throw new IllegalArgumentException(
                    emitted.type()
                        + " on "
                        + trigger
                        + " (expected: one of what is declared, "
                        + spec.successes()
                        + ')');
              }
            });
  }

  /** The event that an error is; null if it is a failure of the infrastructure. */
  @Nullable Event<?> failure(Throwable error) {
    for (ReactionSpec.Failure<?, ?> failure : spec.failures()) {
      Event<?> event = failure.of(error);
      if (event != null) {
        return event;
      }
    }
    return null;
  }

  Message<T> read(Message<byte[]> event) {
    return event.withPayload(trigger.codec().decode(event));
  }
}
