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
 * Holds a window of elements and emits the most urgent of them.
 *
 * <p>Hand-written, because no operator of Reactor reorders within a bound: {@code sort} waits for
 * the end of the source.
 *
 * @param <T> the elements
 */
final class FluxPrioritize<T> extends FluxOperator<T, T> {

  private final Urgency<T> urgency;
  private final PrioritizeSpec spec;
  private final QueueBehind queueBehind = new QueueBehind();

  private FluxPrioritize(Flux<? extends T> source, Urgency<T> urgency, PrioritizeSpec spec) {
    super(source);
    this.urgency = urgency;
    this.spec = spec;
  }

  static <T> Flux<T> create(Flux<? extends T> source, Urgency<T> urgency, PrioritizeSpec spec) {
    return onAssembly(new FluxPrioritize<>(source, urgency, spec));
  }

  @Override
  public void subscribe(CoreSubscriber<? super T> actual) {
    queueBehind.warn(spec.name(), actual);
    source.subscribe(new PrioritizeMain<>(actual, urgency, spec));
  }

  @Override
  public int getPrefetch() {
    return spec.window();
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
