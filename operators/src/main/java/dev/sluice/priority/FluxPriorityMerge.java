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

import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxOperator;

/**
 * Merges the elements of sources, the most urgent that are there first.
 *
 * <p>Hand-written, because {@code mergePriority} and {@code mergeComparing} wait for silent sources
 * or starve urgent-less ones for ever, keep hundreds of elements, and lose them on cancel.
 *
 * @param <T> the elements
 */
final class FluxPriorityMerge<T> extends FluxOperator<PrioritySource<? extends T>, T> {

  private final int levels;
  private final long maxSources;
  private final PrioritySpec<T> spec;
  private final QueueBehind queueBehind = new QueueBehind();

  private FluxPriorityMerge(
      Flux<? extends PrioritySource<? extends T>> sources,
      int levels,
      long maxSources,
      PrioritySpec<T> spec) {
    super(sources);
    this.levels = levels;
    this.maxSources = maxSources;
    this.spec = spec;
  }

  static <T> Flux<T> create(
      Flux<? extends PrioritySource<? extends T>> sources,
      int levels,
      long maxSources,
      PrioritySpec<T> spec) {
    return onAssembly(new FluxPriorityMerge<>(sources, levels, maxSources, spec));
  }

  @Override
  public void subscribe(CoreSubscriber<? super T> actual) {
    queueBehind.warn(spec.name(), actual);
    MergeMain<T> main = new MergeMain<>(actual, spec, levels, maxSources);
    spec.tellObserver(main.gauges());
    source.subscribe(main);
  }

  @Override
  public int getPrefetch() {
    return spec.prefetch();
  }

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    if (key == Attr.NAME) {
      return spec.name();
    }
    if (key == Attr.RUN_STYLE) {
      return Attr.RunStyle.SYNC;
    }
    return super.scanUnsafe(key);
  }
}
