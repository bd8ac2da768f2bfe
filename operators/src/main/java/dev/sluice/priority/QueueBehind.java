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

import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.Scannable.Attr;

/**
 * Warns, once for each operator that was assembled, of a queue further down that takes whatever
 * there is, first come, first served: behind it nothing is chosen by urgency any more.
 */
final class QueueBehind {

  private static final Logger log = LoggerFactory.getLogger(PriorityMerge.class);

  private final AtomicBoolean told = new AtomicBoolean();

  /** When somebody subscribes, because only then the operators further down can be seen. */
  void warn(String name, CoreSubscriber<?> actual) {
    if (told.get()) {
      return;
    }
    String queue = find(actual);
    if (queue != null && told.compareAndSet(false, true)) {
      log.warn(
          "{}: {} further down takes everything at once, in the order in which it comes, so what is"
              + " urgent waits behind what is not (expected: only as much is asked for as is"
              + " worked on)",
          name,
          queue);
    }
  }

  private static @Nullable String find(CoreSubscriber<?> actual) {
    Scannable step = Scannable.from(actual);
    while (step != null && step.isScanAvailable()) {
      Scannable next = step.scan(Attr.ACTUAL);
      boolean isUnbounded = step.scanOrDefault(Attr.PREFETCH, 0) == Integer.MAX_VALUE;
      if (isUnbounded && next != null && step.scanUnsafe(Attr.BUFFERED) != null) {
        return step.stepName();
      }
      step = next;
    }
    return null;
  }
}
