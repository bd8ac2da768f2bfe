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
package dev.sluice.level;

import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Exceptions;
import reactor.core.publisher.BufferOverflowStrategy;
import reactor.core.publisher.Flux;

/** What stands between the source and the workers when not everything is let in. */
final class Intake {

  private static final Logger log = LoggerFactory.getLogger(LoadLeveling.class);

  private Intake() {}

  /** A plain source. */
  static <T> Flux<T> of(Flux<T> source, LevelSpec<T> spec) {
    return switch (spec.overflow()) {
      case BACKPRESSURE -> source;
      case REJECT ->
          source.onBackpressureDrop(
              element -> {
                throw new Overloaded(spec.name(), spec.capacity());
              });
      case DROP_NEWEST -> source.onBackpressureDrop(element -> drop(element, spec));
      case DROP_OLDEST ->
          source.onBackpressureBuffer(
              spec.capacity(), element -> drop(element, spec), BufferOverflowStrategy.DROP_OLDEST);
    };
  }

  private static <T> void drop(T element, LevelSpec<T> spec) {
    tell(error -> spec.listener().skipped(element, error), spec);
  }

  /** Says that there was no room; what the listener throws is logged. */
  static Overloaded tell(Consumer<? super Overloaded> listener, LevelSpec<?> spec) {
    Overloaded error = new Overloaded(spec.name(), spec.capacity());
    try {
      listener.accept(error);
    } catch (Throwable e) {
      Exceptions.throwIfJvmFatal(e);
      log.warn("the listener of {} threw", spec.name(), e);
    }
    return error;
  }
}
