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
import dev.sluice.delivery.ErrorClassifier;
import java.util.List;

/**
 * A message was to go to several channels, and some have not confirmed it. The others have it, and
 * will have it again when it is sent again, under the same id. The failures are suppressed in this
 * one, the first of them is its cause.
 */
@Experimental
public final class RecipientsFailed extends RuntimeException implements ErrorClassifier.Classified {

  private static final long serialVersionUID = 1L;

  @SuppressWarnings("serial") // what List.copyOf makes is
  private final List<String> confirmed;

  @SuppressWarnings("serial")
  private final List<String> failed;

  private final ErrorClassifier.Kind kind;

  RecipientsFailed(
      String router, List<String> confirmed, List<String> failed, List<Throwable> failures) {
    super(router + ": not confirmed by " + failed + ", confirmed by " + confirmed, failures.get(0));
    failures.stream().skip(1).forEach(this::addSuppressed);
    this.confirmed = List.copyOf(confirmed);
    this.failed = List.copyOf(failed);
    this.kind = kind(failures);
  }

  /**
   * Fatal if one failure is; poison if all are, so that whoever may take it the next time gets
   * another chance; else transient.
   */
  private static ErrorClassifier.Kind kind(List<Throwable> failures) {
    List<ErrorClassifier.Kind> kinds =
        failures.stream().map(ErrorClassifier.defaults()::classify).distinct().toList();
    if (kinds.contains(ErrorClassifier.Kind.FATAL)) {
      return ErrorClassifier.Kind.FATAL;
    }
    return kinds.contains(ErrorClassifier.Kind.TRANSIENT)
        ? ErrorClassifier.Kind.TRANSIENT
        : ErrorClassifier.Kind.POISON;
  }

  /** The names of the channels that have the message. */
  public List<String> confirmed() {
    return confirmed;
  }

  /** The names of the channels that have not confirmed it. */
  public List<String> failed() {
    return failed;
  }

  @Override
  public ErrorClassifier.Kind kind() {
    return kind;
  }
}
