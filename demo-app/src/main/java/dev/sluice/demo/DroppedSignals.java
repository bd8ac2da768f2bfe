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
package dev.sluice.demo;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Hooks;

/**
 * Counts what comes too late for anybody to take it: the failure of a connection whose request had
 * failed already, an answer after its deadline. Nobody misses it, but many of them are a sign.
 */
@Component
class DroppedSignals implements DisposableBean {

  private static final Logger log = LoggerFactory.getLogger(DroppedSignals.class);

  DroppedSignals(MeterRegistry meters) {
    Counter errors = Counter.builder("airport.dropped.errors").register(meters);
    Counter values = Counter.builder("airport.dropped.values").register(meters);
    Hooks.onErrorDropped(
        error -> {
          errors.increment();
          log.debug("an error that nobody waited for", error);
        });
    Hooks.onNextDropped(
        value -> {
          values.increment();
          log.debug("a value that nobody waited for: {}", value);
        });
  }

  @Override
  public void destroy() {
    Hooks.resetOnErrorDropped();
    Hooks.resetOnNextDropped();
  }
}
