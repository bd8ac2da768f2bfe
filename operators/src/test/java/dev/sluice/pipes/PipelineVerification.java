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
package dev.sluice.pipes;

import java.util.List;
import org.reactivestreams.Publisher;
import org.reactivestreams.tck.PublisherVerification;
import org.reactivestreams.tck.TestEnvironment;
import org.testng.annotations.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The rules of Reactive Streams for publishers, for what a pipeline makes of one element. */
@Test
public class PipelineVerification extends PublisherVerification<Long> {

  public PipelineVerification() {
    super(new TestEnvironment(200));
  }

  private static Filter<Long, Long> same(String name) {
    return Filter.map(name, e -> e);
  }

  @Override
  public Publisher<Long> createPublisher(long elements) {
    Filter<Long, Long> many = Filter.of("many", n -> Flux.just(1L).repeat().take(n));
    return Pipeline.of(
            "pipeline",
            List.of(
                many,
                same("a").orElse(same("b")),
                same("c").parallelWith(same("d"), (c, d) -> c + d)))
        .apply(elements);
  }

  @Override
  public Publisher<Long> createFailedPublisher() {
    return Filter.<Long, Long>of("failed", e -> Mono.error(new IllegalStateException("failed")))
        .apply(1L);
  }
}
