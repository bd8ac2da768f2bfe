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
package dev.sluice.convoy;

import dev.sluice.dispatch.LaneGauges;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Exceptions;

/** A listener that cannot hurt the convoy it listens to. */
final class SafeListener<T> implements ConvoyListener<T> {

  private static final Logger log = LoggerFactory.getLogger(GroupedConvoy.class);

  private final ConvoyListener<? super T> listener;

  SafeListener(ConvoyListener<? super T> listener) {
    this.listener = listener;
  }

  @Override
  public void subscribed(LaneGauges gauges) {
    tell(() -> listener.subscribed(gauges));
  }

  @Override
  public void retrying(T element, int attempt, Duration delay, Throwable error) {
    tell(() -> listener.retrying(element, attempt, delay, error));
  }

  @Override
  public void skipped(T element, Throwable error) {
    tell(() -> listener.skipped(element, error));
  }

  @Override
  public void parked(T element, Throwable error) {
    tell(() -> listener.parked(element, error));
  }

  @Override
  public void halted(T element, Throwable error) {
    tell(() -> listener.halted(element, error));
  }

  @Override
  public void deadLettered(T element, Throwable error) {
    tell(() -> listener.deadLettered(element, error));
  }

  private void tell(Runnable what) {
    try {
      what.run();
    } catch (Throwable t) {
      Exceptions.throwIfJvmFatal(t);
      log.warn("{} threw", listener, t);
    }
  }
}
