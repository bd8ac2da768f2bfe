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
package dev.sluice.delivery;

import dev.sluice.codec.UnreadablePayload;
import reactor.core.Exceptions;

/** The classification that {@link ErrorClassifier#defaults()} documents. */
enum DefaultClassifier implements ErrorClassifier {
  INSTANCE;

  @Override
  public Kind classify(Throwable thrown) {
    Throwable error = Exceptions.unwrap(thrown);
    if (error instanceof Classified classified) {
      return classified.kind();
    }
    if (error instanceof VirtualMachineError || error instanceof LinkageError) {
      return Kind.FATAL;
    }
    boolean poison =
        error instanceof UnreadablePayload
            || error instanceof IllegalArgumentException
            || error instanceof NullPointerException
            || error instanceof ClassCastException
            || error instanceof IndexOutOfBoundsException
            || error instanceof ArithmeticException
            || error instanceof UnsupportedOperationException;
    return poison ? Kind.POISON : Kind.TRANSIENT;
  }
}
