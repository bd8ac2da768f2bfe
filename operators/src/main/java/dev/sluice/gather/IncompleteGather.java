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

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A gather ended without what was wanted of it. */
public final class IncompleteGather extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final transient Gathered<?> gathered;

  IncompleteGather(String name, Gathered<?> gathered, @Nullable Throwable cause) {
    super(message(name, gathered), cause, true, false); // a result, not a bug: no stack to look at
    this.gathered = gathered;
  }

  private static String message(String name, Gathered<?> gathered) {
    List<? extends Leg<?>> legs = gathered.legs();
    long responded = legs.stream().filter(Leg::responded).count();
    return name + ": " + gathered.why() + ", " + responded + " of " + legs.size() + " responded";
  }

  /** What there is. The answers in it belong to whoever receives this error. */
  public Gathered<?> gathered() {
    return gathered;
  }
}
