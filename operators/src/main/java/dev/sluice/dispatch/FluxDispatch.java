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
package dev.sluice.dispatch;

import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxOperator;

/**
 * Runs a worker for each element: elements of one key one after the other, different keys at once,
 * at most {@code concurrency} workers, at most {@code lookAhead} elements taken and not finished.
 *
 * <p>Hand-written, because {@code groupBy(key).flatMap(concatMap(worker))} hangs as soon as there
 * are more live groups than the concurrency, keeps a queue and a subscription for every key it has
 * ever seen, and cannot let a failed key wait without holding a slot.
 *
 * @param <T> the elements
 * @param <V> what workers emit
 * @param <R> what goes downstream
 */
public final class FluxDispatch<T, V, R> extends FluxOperator<T, R> {

  private final Supplier<? extends Work<T, V, R>> work;
  private final DispatchOptions options;

  private FluxDispatch(
      Flux<? extends T> source, Supplier<? extends Work<T, V, R>> work, DispatchOptions options) {
    super(source);
    this.work = Objects.requireNonNull(work, "work");
    this.options = Objects.requireNonNull(options, "options");
  }

  /**
   * Assembles the operator.
   *
   * @param work makes the behaviour for each subscription
   */
  public static <T, V, R> Flux<R> create(
      Flux<? extends T> source, Supplier<? extends Work<T, V, R>> work, DispatchOptions options) {
    return onAssembly(new FluxDispatch<>(source, work, options));
  }

  @Override
  public void subscribe(CoreSubscriber<? super R> actual) {
    DispatchMain<T, V, R> main = new DispatchMain<>(actual, work.get(), options);
    options.observer().accept(main.gauges());
    source.subscribe(main);
  }

  @Override
  public int getPrefetch() {
    return options.lookAhead();
  }

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    if (key == Attr.NAME) {
      return options.name();
    }
    if (key == Attr.RUN_STYLE) {
      return Attr.RunStyle.SYNC;
    }
    return super.scanUnsafe(key);
  }
}
