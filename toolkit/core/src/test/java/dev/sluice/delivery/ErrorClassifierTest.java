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

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.codec.UnreadablePayload;
import dev.sluice.delivery.ErrorClassifier.Classified;
import dev.sluice.delivery.ErrorClassifier.Kind;
import java.io.IOException;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.Exceptions;

class ErrorClassifierTest {

  private final ErrorClassifier classifier = ErrorClassifier.defaults();

  @ParameterizedTest
  @MethodSource
  void whatTheSameInputProvokesAgainIsPoison(Throwable error) {
    assertThat(classifier.classify(error)).isEqualTo(Kind.POISON);
  }

  static Stream<Throwable> whatTheSameInputProvokesAgainIsPoison() {
    return Stream.of(
        new UnreadablePayload("application/json", "ends too early", null),
        new IllegalArgumentException(),
        new NumberFormatException(),
        new NullPointerException(),
        new ClassCastException(),
        new IndexOutOfBoundsException(),
        new ArithmeticException(),
        new UnsupportedOperationException());
  }

  @ParameterizedTest
  @MethodSource
  void everythingElseIsTransient(Throwable error) {
    assertThat(classifier.classify(error)).isEqualTo(Kind.TRANSIENT);
  }

  static Stream<Throwable> everythingElseIsTransient() {
    return Stream.of(
        new IOException(),
        new TimeoutException(),
        new IllegalStateException(),
        new RuntimeException(),
        new AssertionError());
  }

  @ParameterizedTest
  @MethodSource
  void whatTheVirtualMachineThrowsIsFatal(Throwable error) {
    assertThat(classifier.classify(error)).isEqualTo(Kind.FATAL);
  }

  static Stream<Throwable> whatTheVirtualMachineThrowsIsFatal() {
    return Stream.of(
        new OutOfMemoryError(), new StackOverflowError(), new NoClassDefFoundError("gone"));
  }

  @Test
  void anExceptionThatKnowsItselfIsBelieved() {
    for (Kind kind : Kind.values()) {
      assertThat(classifier.classify(new Known(kind))).isEqualTo(kind);
    }
  }

  @Test
  void theWrapperOfReactorIsOpened() {
    Throwable wrapped = Exceptions.propagate(new Known(Kind.POISON));
    assertThat(classifier.classify(wrapped)).isEqualTo(Kind.POISON);
    assertThat(classifier.classify(Exceptions.propagate(new Exception())))
        .isEqualTo(Kind.TRANSIENT);
  }

  private static final class Known extends Exception implements Classified {
    private static final long serialVersionUID = 1L;
    private final Kind kind;

    Known(Kind kind) {
      this.kind = kind;
    }

    @Override
    public Kind kind() {
      return kind;
    }
  }
}
