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

import java.net.InetAddress;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/**
 * A request as {@link AsyncOperations} takes it, whatever server has received it.
 *
 * @param method in capitals
 * @param path from the slash on, without a query and without {@code prefix}
 * @param prefix what the server has taken off the path, such as a context path; empty for nothing
 * @param headers the values of a header, by its name in any case; empty if it is missing
 * @param caller who asks, as the server has established it: operations are theirs alone
 * @param peer whose connection it came on; null if that is not known
 * @param body read once, and only if it is wanted; each array is the reader's
 */
public record OperationCall(
    String method,
    String path,
    String prefix,
    Function<String, List<String>> headers,
    String caller,
    @Nullable InetAddress peer,
    Flux<byte[]> body) {

  public OperationCall {
    Objects.requireNonNull(method, "method");
    Objects.requireNonNull(path, "path");
    Objects.requireNonNull(prefix, "prefix");
    Objects.requireNonNull(headers, "headers");
    Objects.requireNonNull(caller, "caller");
    Objects.requireNonNull(body, "body");
  }

  /** The values of a header, as one; null if it is missing. */
  @Nullable String header(String name) {
    List<String> values = headers.apply(name);
    return values.isEmpty() ? null : String.join(", ", values);
  }
}
