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
package dev.sluice.priority;

import dev.sluice.Experimental;
import dev.sluice.delivery.Delivery;
import dev.sluice.message.Message;
import java.time.Duration;
import java.util.Comparator;
import java.util.function.BiConsumer;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/**
 * A reordering of deliveries by priority, as {@link dev.sluice.flow.Flow} uses it.
 *
 * @param <T> the payloads
 */
@Experimental
public final class DeliveryReordering<T> {

  private final @Nullable Comparator<? super Message<T>> mostUrgentFirst; // null: by level
  private final @Nullable ToIntFunction<? super Message<T>> level;
  private final Duration agingStep;
  private final PrioritizeSpec spec;

  private DeliveryReordering(
      @Nullable Comparator<? super Message<T>> mostUrgentFirst,
      @Nullable ToIntFunction<? super Message<T>> level,
      Duration agingStep,
      PrioritizeSpec spec) {
    this.mostUrgentFirst = mostUrgentFirst;
    this.level = level;
    this.agingStep = agingStep;
    this.spec = spec;
  }

  static <T> DeliveryReordering<T> by(
      Comparator<? super Message<T>> mostUrgentFirst, PrioritizeSpec spec) {
    return new DeliveryReordering<>(mostUrgentFirst, null, Duration.ZERO, spec);
  }

  static <T> DeliveryReordering<T> by(
      ToIntFunction<? super Message<T>> level, Duration agingStep, PrioritizeSpec spec) {
    AgingOrder.nanos(agingStep);
    return new DeliveryReordering<>(null, level, agingStep, spec);
  }

  /** How many deliveries wait at most. */
  public int window() {
    return spec.window();
  }

  /**
   * {@link PriorityMerge#prioritize} of deliveries. What has been settled while it waits goes
   * first, to make room.
   *
   * @param failed settles a delivery for which the comparator or the level function has thrown; of
   *     two that were compared, the first
   */
  public Flux<Delivery<T>> reorder(
      Flux<Delivery<T>> source, BiConsumer<? super Delivery<T>, ? super Throwable> failed) {
    Urgency<Delivery<T>> urgency =
        mostUrgentFirst != null
            ? Urgency.by(comparing(mostUrgentFirst, failed))
            : Urgency.by(levelOf(failed), agingStep);
    return FluxPrioritize.create(source, urgency, spec);
  }

  private static <T> Comparator<Delivery<T>> comparing(
      Comparator<? super Message<T>> mostUrgentFirst,
      BiConsumer<? super Delivery<T>, ? super Throwable> failed) {
    return (a, b) -> {
      boolean settled = a.settlement().isSettled();
      if (settled || b.settlement().isSettled()) {
        return settled ? -1 : 1;
      }
      try {
        return mostUrgentFirst.compare(a.message(), b.message());
      } catch (Throwable e) {
        failed.accept(a, e);
        return -1;
      }
    };
  }

  private ToIntFunction<Delivery<T>> levelOf(
      BiConsumer<? super Delivery<T>, ? super Throwable> failed) {
    ToIntFunction<? super Message<T>> levelOf = level;
    return delivery -> {
      try {
        return Urgency.inRange(levelOf == null ? 0 : levelOf.applyAsInt(delivery.message()));
      } catch (Throwable e) {
        failed.accept(delivery, e);
        return 0;
      }
    };
  }
}
