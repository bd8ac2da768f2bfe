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
package dev.sluice.test;

import dev.sluice.Experimental;
import dev.sluice.delivery.LeakDetector;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;

/**
 * Fails a test during which a delivery was dropped without a decision. Registered with
 * {@code @ExtendWith(LeakCheck.class)}; the log of {@link LeakDetector} says where the delivery was
 * assembled.
 *
 * <p>It provokes garbage collections after a test that leaves anything undecided, some tens of
 * milliseconds, and needs {@code -Dsluice.leak=paranoid}, because a sampled detector would let a
 * leak pass. What another test in the same JVM leaks at the same time is blamed on this one, so
 * such tests do not run in parallel.
 */
@Experimental
public final class LeakCheck implements BeforeEachCallback, AfterEachCallback {

  private static final Namespace NAMESPACE = Namespace.create(LeakCheck.class);

  @Override
  public void beforeEach(ExtensionContext context) {
    LeakDetector.Level level = LeakDetector.level();
    if (level != LeakDetector.Level.PARANOID) {
      throw new IllegalStateException("sluice.leak: " + level + " (expected: PARANOID)");
    }
    context.getStore(NAMESPACE).put("leaks", LeakDetector.leaks());
  }

  @Override
  public void afterEach(ExtensionContext context) throws InterruptedException {
    long before = context.getStore(NAMESPACE).getOrDefault("leaks", Long.class, 0L);
    Garbage.collect();
    long leaks = LeakDetector.leaks() - before;
    if (leaks > 0) {
      throw new AssertionError(
          "deliveries dropped undecided: " + leaks + " (expected: 0); the log says where");
    }
  }
}
