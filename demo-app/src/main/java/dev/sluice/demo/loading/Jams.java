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
package dev.sluice.demo.loading;

import dev.sluice.delivery.ErrorClassifier;
import dev.sluice.demo.bag.Bag;
import java.io.Serial;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;

/** Departures whose belt is jammed, by the loading workers of this process. Thread-safe. */
public final class Jams {

  private final Set<String> keys = ConcurrentHashMap.newKeySet();

  /** A bag is stuck. */
  static final class Jammed extends RuntimeException implements ErrorClassifier.Classified {

    @Serial private static final long serialVersionUID = 1L;

    Jammed(Bag bag) {
      super("a bag of " + bag.flight() + " is stuck in the belt");
    }

    /** Trying again does not clear the belt. */
    @Override
    public ErrorClassifier.Kind kind() {
      return ErrorClassifier.Kind.POISON;
    }
  }

  /** From now on the bags of this departure are stuck. */
  public void jam(String key) {
    keys.add(key);
  }

  /**
   * Clears the belt of this departure.
   *
   * @return whether it was jammed
   */
  public boolean clear(String key) {
    return keys.remove(key);
  }

  /** The keys of the departures that are jammed. */
  public Set<String> keys() {
    return new TreeSet<>(keys);
  }

  void check(Bag bag) {
    if (keys.contains(bag.key())) {
      throw new Jammed(bag);
    }
  }
}
