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
package dev.sluice.channel;

import dev.sluice.Experimental;
import java.util.Objects;
import java.util.function.Function;
import org.reactivestreams.Publisher;

/**
 * Someone who can be asked: a service over HTTP, the requester of a channel, a local function. A
 * scatter asks several of them the same question.
 *
 * @param <T> what is asked
 * @param <R> what is answered
 */
@Experimental
public interface Recipient<T, R> {

  /**
   * The key in the Context of an ask under which whoever asks with a deadline puts it, as a {@link
   * java.time.Instant}: nobody will hear an answer that comes later.
   */
  String DEADLINE = "dev.sluice.deadline";

  /**
   * What it is called in results and metrics, and whose vote its answer is. Two recipients of one
   * scatter have different names.
   */
  String name();

  /**
   * Asks once for each subscription; nothing is sent before.
   *
   * @return the answer, which is the first value; or empty, which says that there is none. It is
   *     cancelled when nobody waits for it any more, and should then let go of whatever it holds,
   *     down to the connection
   */
  Publisher<? extends R> ask(T request);

  /**
   * Asks a second time because the first ask takes long; both then run at once. Defaults to {@link
   * #ask}; a recipient that has several addresses may ask elsewhere.
   */
  default Publisher<? extends R> hedge(T request) {
    return ask(request);
  }

  /** A recipient that is a function. */
  static <T, R> Recipient<T, R> of(
      String name, Function<? super T, ? extends Publisher<? extends R>> ask) {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(ask, "ask");
    return new Recipient<>() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public Publisher<? extends R> ask(T request) {
        return ask.apply(request);
      }

      @Override
      public String toString() {
        return name;
      }
    };
  }
}
