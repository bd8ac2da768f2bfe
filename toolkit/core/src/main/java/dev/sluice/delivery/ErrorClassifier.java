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

/** Tells what an exception means for the message that was being processed. */
@FunctionalInterface
public interface ErrorClassifier {

  /** What an exception means. */
  enum Kind {
    /** Another attempt may succeed. */
    TRANSIENT,
    /** The same message will always fail. */
    POISON,
    /** The process itself is in trouble: no message should be judged by it. */
    FATAL
  }

  /** An exception that knows what it means; the default classifier believes it. */
  interface Classified {
    /** Whether another attempt may succeed. */
    Kind kind();

    /** Why the message goes to the dead letters if none will. Defaults to poison. */
    default DeadLetterReason reason() {
      return DeadLetterReason.POISON;
    }
  }

  /** What an exception of a user's function means for the message that it was called with. */
  Kind classify(Throwable error);

  /**
   * The default: errors of the virtual machine are fatal; exceptions that the same input will
   * provoke again (unreadable payload, illegal argument, null, class cast, index, arithmetic,
   * unsupported operation) are poison; a {@link Classified} one is what it says; everything else is
   * transient, because a retry too many costs time and a retry too few costs a message.
   */
  static ErrorClassifier defaults() {
    return DefaultClassifier.INSTANCE;
  }
}
