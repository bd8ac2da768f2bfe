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
package dev.sluice.gather;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Exceptions;

/** A listener that cannot hurt the gather it listens to. */
final class SafeListener implements ScatterListener {

  private static final Logger log = LoggerFactory.getLogger(ScatterGather.class);

  static final SafeListener NOBODY = new SafeListener(new ScatterListener() {});

  private final ScatterListener listener;

  SafeListener(ScatterListener listener) {
    this.listener = listener;
  }

  @Override
  public void ended(Leg<?> leg) {
    try {
      listener.ended(leg);
    } catch (Throwable t) {
      report(t);
    }
  }

  @Override
  public void gathered(Gathered<?> gathered) {
    try {
      listener.gathered(gathered);
    } catch (Throwable t) {
      report(t);
    }
  }

  @Override
  public void late(String recipient) {
    try {
      listener.late(recipient);
    } catch (Throwable t) {
      report(t);
    }
  }

  private void report(Throwable t) {
    Exceptions.throwIfJvmFatal(t);
    log.warn("{} threw", listener, t);
  }
}
