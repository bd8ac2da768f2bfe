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

import dev.sluice.delivery.ErrorClassifier;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A store did not do what it was asked for, or nobody knows whether it did: every operation of a
 * store may be asked for again.
 */
public final class StoreFailed extends RuntimeException implements ErrorClassifier.Classified {

  private static final long serialVersionUID = 1L;

  private final ErrorClassifier.Kind kind;

  private StoreFailed(
      ErrorClassifier.Kind kind, String store, String what, @Nullable Throwable cause) {
    super(Objects.requireNonNull(store, "store") + ": " + what, cause);
    this.kind = kind;
  }

  /** The store is in trouble, and the same operation may succeed later. */
  public static StoreFailed temporary(String store, String what, @Nullable Throwable cause) {
    return new StoreFailed(ErrorClassifier.Kind.TRANSIENT, store, what, cause);
  }

  /** The operation will fail again, as it is. */
  public static StoreFailed permanent(String store, String what, @Nullable Throwable cause) {
    return new StoreFailed(ErrorClassifier.Kind.POISON, store, what, cause);
  }

  /** Whether the same operation may succeed later. */
  public boolean isTemporary() {
    return kind == ErrorClassifier.Kind.TRANSIENT;
  }

  @Override
  public ErrorClassifier.Kind kind() {
    return kind;
  }
}
