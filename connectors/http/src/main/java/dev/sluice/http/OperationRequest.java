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
package dev.sluice.http;

import dev.sluice.store.Content;
import java.util.Objects;

/**
 * A request that has not been accepted yet, as {@link OperationsSpec#admission} sees it.
 *
 * @param caller who asks
 * @param content what is asked for
 */
public record OperationRequest(String caller, Content content) {

  public OperationRequest {
    Objects.requireNonNull(caller, "caller");
    Objects.requireNonNull(content, "content");
  }
}
