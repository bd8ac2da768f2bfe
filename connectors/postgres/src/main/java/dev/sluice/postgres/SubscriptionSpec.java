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
package dev.sluice.postgres;

import dev.sluice.Experimental;
import dev.sluice.message.TypePattern;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What a subscription of a {@link PostgresTopic} wants. Immutable. */
@Experimental
public final class SubscriptionSpec {

  private static final int MAX_CONDITION = 4_000;

  private final List<TypePattern> types;
  private final @Nullable String condition;

  private SubscriptionSpec(List<TypePattern> types, @Nullable String condition) {
    this.types = types;
    this.condition = condition;
  }

  static SubscriptionSpec of(UnaryOperator<SubscriptionSpec> change) {
    SubscriptionSpec all = new SubscriptionSpec(List.of(TypePattern.of("**")), null);
    return Objects.requireNonNull(change.apply(all), "spec");
  }

  /**
   * Only messages of these types. Defaults to all.
   *
   * @param patterns one or more {@linkplain TypePattern patterns}, one of which must match
   * @throws IllegalArgumentException if one is none
   */
  public SubscriptionSpec types(String... patterns) {
    if (patterns.length == 0) {
      throw new IllegalArgumentException("patterns: 0 (expected: >= 1)");
    }
    return new SubscriptionSpec(Stream.of(patterns).map(TypePattern::of).toList(), condition);
  }

  /**
   * Only messages whose headers satisfy a condition, of those types: a path in the JSON path
   * language of PostgreSQL that selects something of the headers as they are stored, an object of
   * texts: {@code $.carrier ? (@ == "B6")}. Defaults to all. What cannot be evaluated for a message
   * does not select it. PostgreSQL reads it when it is subscribed.
   *
   * @param jsonPath 1..4000 characters
   */
  public SubscriptionSpec where(String jsonPath) {
    if (jsonPath.isBlank() || jsonPath.length() > MAX_CONDITION) {
      throw new IllegalArgumentException(
          "jsonPath: " + jsonPath.length() + " characters (expected: 1.." + MAX_CONDITION + ")");
    }
    return new SubscriptionSpec(types, jsonPath);
  }

  /** As regular expressions of PostgreSQL, for a type with a dot before it. */
  String[] expressions() {
    return types.stream().map(SubscriptionSpec::expression).toArray(String[]::new);
  }

  private static String expression(TypePattern pattern) {
    return Stream.of(pattern.toString().split("\\.", -1))
        .map(SubscriptionSpec::segment)
        .collect(Collectors.joining("", "^", "$"));
  }

  private static String segment(String segment) {
    return switch (segment) {
      case "*" -> "\\.[^.]*";
      case "**" -> "(?:\\.[^.]*)*";
      default -> "\\." + segment.replaceAll("[^\\p{L}\\p{N}]", "\\\\$0");
    };
  }

  @Nullable String condition() {
    return condition;
  }
}
