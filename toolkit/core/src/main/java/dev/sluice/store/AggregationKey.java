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
package dev.sluice.store;

/**
 * What belongs together.
 *
 * @param scope whose keys these are, a gather's: 1 to {@value #MAX_SCOPE} characters. Those of one
 *     scope are completed by the same code
 * @param key what all of it has in common, usually a correlation id: 1 to {@value #MAX_KEY}
 *     characters
 */
public record AggregationKey(String scope, String key) {

  /** The longest scope, in characters. */
  public static final int MAX_SCOPE = 100;

  /** The longest key, in characters. */
  public static final int MAX_KEY = 400;

  /**
   * Checks them.
   *
   * @throws IllegalArgumentException if one is too short, too long, or not storable: U+0000 and
   *     halves of surrogate pairs are not
   */
  public AggregationKey {
    StoredText.require("scope", scope, MAX_SCOPE);
    StoredText.require("key", key, MAX_KEY);
  }
}
