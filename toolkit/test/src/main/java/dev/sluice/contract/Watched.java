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
package dev.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Signal;

/** A Mono that was subscribed to, and how it has ended. */
final class Watched<T> {

  private volatile @Nullable Signal<T> end;

  static <T> Watched<T> of(Mono<T> mono) {
    Watched<T> watched = new Watched<>();
    mono.materialize().subscribe(signal -> watched.end = signal);
    return watched;
  }

  boolean isOver() {
    return end != null;
  }

  @Nullable T value() {
    return over().get();
  }

  @Nullable Throwable error() {
    return over().getThrowable();
  }

  void hasCompleted() {
    assertThat(error()).as("what it failed with").isNull();
  }

  private Signal<T> over() {
    return Objects.requireNonNull(end, "not over yet");
  }
}
