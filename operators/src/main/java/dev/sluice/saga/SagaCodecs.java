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
package dev.sluice.saga;

import dev.sluice.Experimental;
import dev.sluice.codec.PayloadCodec;

/** How values are written to a journal and read back: {@code JacksonCodec::json}, for instance. */
@Experimental
@FunctionalInterface
public interface SagaCodecs {

  /**
   * The codec of a type. What is equal must encode to the same bytes, also in another process:
   * inputs of steps are compared by them.
   */
  <T> PayloadCodec<T> of(Class<T> type);
}
