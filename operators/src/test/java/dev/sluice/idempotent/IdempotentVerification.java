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
package dev.sluice.idempotent;

import static dev.sluice.idempotent.Idempotent.idempotent;

import org.reactivestreams.Publisher;
import org.reactivestreams.tck.PublisherVerification;
import org.reactivestreams.tck.TestEnvironment;
import org.testng.annotations.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** The rules of Reactive Streams for publishers. */
@Test
public class IdempotentVerification extends PublisherVerification<Long> {

  public IdempotentVerification() {
    super(new TestEnvironment(200));
  }

  @Override
  public Publisher<Long> createPublisher(long elements) {
    Flux<Long> source =
        Flux.<Long, Long>generate(
                () -> 0L,
                (n, sink) -> {
                  sink.next(n);
                  return n + 1;
                })
            .take(elements);
    return source.transform(
        idempotent(
            "tck",
            n -> Long.toString(n),
            new ScriptedStore(Schedulers.parallel()),
            n -> Mono.just(n)));
  }

  @Override
  public Publisher<Long> createFailedPublisher() {
    return Flux.<Long>error(new IllegalStateException("failed"))
        .transform(
            idempotent(
                "tck",
                n -> Long.toString(n),
                new ScriptedStore(Schedulers.parallel()),
                n -> Mono.just(n)));
  }
}
