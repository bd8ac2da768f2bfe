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
package dev.sluice.routing;

import dev.sluice.Experimental;

/**
 * Hears what a wire tap has missed. Called on the thread of the source or of the tap, and must not
 * block; what it throws is logged.
 */
@Experimental
public interface WireTapListener {

  /**
   * An element went on untapped, because as many as may were waiting or being tapped.
   *
   * @param element the element, or the message if deliveries are tapped
   */
  default void missed(Object element) {}

  /**
   * Tapping an element has failed, or has taken too long.
   *
   * @param element the element, or the message if deliveries are tapped
   * @param error what it failed with; a {@link java.util.concurrent.TimeoutException} if it has
   *     taken too long
   */
  default void failed(Object element, Throwable error) {}
}
