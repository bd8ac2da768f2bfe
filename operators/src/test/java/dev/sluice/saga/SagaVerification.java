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

import org.reactivestreams.Publisher;
import org.reactivestreams.tck.PublisherVerification;
import org.reactivestreams.tck.TestEnvironment;
import org.testng.annotations.Test;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** The rules of Reactive Streams for publishers, with steps here and on other threads. */
@Test
public class SagaVerification extends PublisherVerification<SagaResult<Integer>> {

  public SagaVerification() {
    super(new TestEnvironment(200));
  }

  @Override
  public long maxElementsFromPublisher() {
    return 1;
  }

  @Override
  public Publisher<SagaResult<Integer>> createPublisher(long elements) {
    return Mono.just(1)
        .transform(Sagas.<Integer, Integer>sagaStep("here", Mono::just))
        .transform(
            Sagas.<Integer, Integer>sagaStep(
                "there", i -> Mono.just(i).subscribeOn(Schedulers.parallel())))
        .as(Sagas.<Integer>saga("saga", s -> s));
  }

  @Override
  @SuppressWarnings("NullAway") // a saga does not fail
  public Publisher<SagaResult<Integer>> createFailedPublisher() {
    return null;
  }
}
