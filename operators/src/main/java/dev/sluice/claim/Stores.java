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
package dev.sluice.claim;

import dev.sluice.store.PayloadStore;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The stores that are known here, by name. What a claim says about where things are ends here. */
record Stores(PayloadStore first, Map<String, PayloadStore> byName) {

  static Stores of(PayloadStore store) {
    return new Stores(store, Map.of(PayloadStore.requireName(store.name()), store));
  }

  Stores and(PayloadStore store) {
    Map<String, PayloadStore> more = new HashMap<>(byName);
    if (more.put(PayloadStore.requireName(store.name()), store) != null) {
      throw new IllegalArgumentException(
          "store: a second one called \"" + store.name() + "\" (expected: different names)");
    }
    return new Stores(first, Map.copyOf(more));
  }

  @Nullable PayloadStore find(String name) {
    return byName.get(name);
  }
}
