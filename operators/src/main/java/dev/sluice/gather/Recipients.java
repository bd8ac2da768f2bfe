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
package dev.sluice.gather;

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Recipient;
import dev.sluice.requestreply.Requester;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;

/**
 * Whom to ask: always the same, or others for each request.
 *
 * @param <T> the requests
 * @param <R> the answers
 */
@FunctionalInterface
public interface Recipients<T, R> {

  /**
   * Selects the recipients of one request. Each is asked as soon as it comes; one whose name has
   * come before is not asked again. An error ends the gather.
   */
  Publisher<? extends Recipient<? super T, ? extends R>> select(T request);

  /**
   * Always the same.
   *
   * @throws IllegalArgumentException if two have the same name
   */
  @SafeVarargs
  @SuppressWarnings("varargs")
  static <T, R> Recipients<T, R> of(Recipient<? super T, ? extends R>... recipients) {
    return new FixedRecipients<T, R>(Arrays.asList(recipients));
  }

  /**
   * Always the same; no recipient at all is possible, and is a gather without legs.
   *
   * @throws IllegalArgumentException if two have the same name
   */
  static <T, R> Recipients<T, R> ofAll(
      Collection<? extends Recipient<? super T, ? extends R>> recipients) {
    return new FixedRecipients<>(recipients);
  }

  /**
   * Whoever receives on these channels, always the same: each is sent the request, and all reply to
   * the reply channel of the requester. Who is cancelled is not told, but the request expires with
   * the deadline of the gather, and replies that come when it has ended are counted as late.
   *
   * @throws IllegalArgumentException if two have the same name
   */
  static <T, R> Recipients<T, R> channels(
      Requester<R> requester, List<? extends Outbound<T>> channels) {
    Objects.requireNonNull(requester, "requester");
    return ofAll(channels.stream().map(requester::<T>recipient).toList());
  }

  /** Computed from the request, without waiting for anything. */
  static <T, R> Recipients<T, R> computed(
      Function<? super T, ? extends Iterable<? extends Recipient<? super T, ? extends R>>> select) {
    Objects.requireNonNull(select, "select");
    return request -> Flux.fromIterable(select.apply(request));
  }
}
