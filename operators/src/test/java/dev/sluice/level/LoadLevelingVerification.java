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

import static dev.sluice.level.LoadLeveling.loadLevel;

import java.time.Duration;
import org.reactivestreams.Publisher;
import org.reactivestreams.tck.PublisherVerification;
import org.reactivestreams.tck.TestEnvironment;
import org.testng.annotations.Test;
import reactor.core.publisher.Flux;

/** The rules of Reactive Streams for publishers, at a rate. */
@Test
public class LoadLevelingVerification extends PublisherVerification<Integer> {

  public LoadLevelingVerification() {
    super(new TestEnvironment(200));
  }

  @Override
  public Publisher<Integer> createPublisher(long elements) {
    Flux<Integer> source =
        elements > Integer.MAX_VALUE ? Flux.just(1).repeat() : Flux.range(0, (int) elements);
    return source.transform(loadLevel(c -> c.rate(1_000, Duration.ofMillis(1), 10).capacity(4)));
  }

  @Override
  public Publisher<Integer> createFailedPublisher() {
    return Flux.<Integer>error(new IllegalStateException("failed")).transform(loadLevel(c -> c));
  }
}
