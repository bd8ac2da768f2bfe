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

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.delivery.ErrorClassifier;
import dev.sluice.delivery.ErrorClassifier.Kind;
import dev.sluice.store.Content;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HttpRefusedTest {

  private static Kind kindOf(int status) {
    HttpAnswer answer =
        new HttpAnswer(status, new DefaultHttpHeaders(), Content.of("", new byte[0]));
    return ErrorClassifier.defaults().classify(new HttpRefused("GET /seats", answer));
  }

  @ParameterizedTest
  @ValueSource(ints = {400, 405, 406, 410, 411, 413, 414, 415, 422, 431, 501})
  void isPoisonWhenTheSameRequestWillAlwaysBeRefused(int status) {
    assertThat(kindOf(status)).isEqualTo(Kind.POISON);
  }

  @ParameterizedTest
  @ValueSource(ints = {302, 401, 403, 404, 408, 409, 423, 425, 429, 500, 502, 503, 504})
  void isTransientWhenAnotherAttemptMaySucceed(int status) {
    assertThat(kindOf(status)).isEqualTo(Kind.TRANSIENT);
  }
}
