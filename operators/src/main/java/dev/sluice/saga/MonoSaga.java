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
package dev.sluice.saga;

import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoOperator;

/** The boundary around a body in memory: each subscription is a saga of its own. */
final class MonoSaga<R> extends MonoOperator<R, SagaResult<R>> {

  private final String name;
  private final SagaSpec<R> spec;

  private MonoSaga(Mono<R> body, String name, SagaSpec<R> spec) {
    super(body);
    this.name = name;
    this.spec = spec;
  }

  static <R> Mono<SagaResult<R>> create(Mono<R> body, String name, SagaSpec<R> spec) {
    return onAssembly(new MonoSaga<>(body, name, spec));
  }

  @Override
  public void subscribe(CoreSubscriber<? super SagaResult<R>> actual) {
    SagaRun<R> run = new SagaRun<>(name, spec, actual);
    actual.onSubscribe(run);
    run.start(source);
  }

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    if (key == Attr.NAME) {
      return name;
    }
    if (key == Attr.RUN_STYLE) {
      return Attr.RunStyle.SYNC;
    }
    return super.scanUnsafe(key);
  }
}
