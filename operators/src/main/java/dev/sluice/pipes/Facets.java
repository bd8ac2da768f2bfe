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

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/** Sets of facets, and the words they consist of. */
final class Facets {

  private Facets() {}

  static String name(String name) {
    if (Objects.requireNonNull(name, "name").isBlank()) {
      throw new IllegalArgumentException("name: \"" + name + "\" (expected: not blank)");
    }
    return name;
  }

  static Set<String> and(Set<String> facets, String... more) {
    return union(facets, Set.copyOf(List.of(more)));
  }

  static Set<String> union(Set<String> facets, Set<String> more) {
    Set<String> all = new LinkedHashSet<>(facets);
    for (String facet : more) {
      if (facet.isBlank()) {
        throw new IllegalArgumentException("facet: \"" + facet + "\" (expected: not blank)");
      }
      all.add(facet);
    }
    return Set.copyOf(all);
  }

  static Set<String> common(Set<String> facets, Set<String> others) {
    Set<String> both = new LinkedHashSet<>(facets);
    both.retainAll(others);
    return Set.copyOf(both);
  }

  static Set<String> without(Set<String> facets, Set<String> others) {
    Set<String> rest = new LinkedHashSet<>(facets);
    rest.removeAll(others);
    return Set.copyOf(rest);
  }
}
