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
import dev.sluice.channel.Outbound;
import dev.sluice.delivery.Delivery;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;

/**
 * A wire tap: shows what passes to somebody else, and nothing that happens there can be felt by
 * what passes.
 *
 * <p>Compared with its neighbours: {@code doOnNext} runs in the sequence, which waits for it and
 * fails with it; {@code delayUntil} waits too; {@code publish} and {@code share} are as slow as
 * their slowest subscriber. A tap has a place of its own, of a stated size; when that is full,
 * elements go by untapped, and a listener hears of them.
 *
 * <p>Elements are shared with the tap, not copied: tap what is immutable.
 */
@Experimental
public final class WireTap {

  private WireTap() {}

  /**
   * The elements of the source, each of which is also given to {@code tap}. To be used with {@link
   * Flux#transform(Function)}.
   *
   * <p><img class="marble" src="doc-files/wireTap.svg" alt="What passes does not wait for the tap;
   * when too many wait there, the next goes by untapped">
   *
   * <dl>
   *   <dt>Emits
   *   <dd>every element of the source
   *   <dt>Backpressure
   *   <dd>that of the subscriber reaches the source unchanged. Holds at most {@link
   *       WireTapSpec#capacity} elements for the tap, which begins with them in their order
   *   <dt>Completes/Errors
   *   <dd>as the source does; what fails in the tap is told to the listener and nobody else
   *   <dt>Cancel
   *   <dd>cancels the source. What has passed is tapped to its end, here and after a completion or
   *       an error: each element within its timeout
   *   <dt>Discard
   *   <dd>no element; what the publishers of the tap emit
   *   <dt>Threads
   *   <dd>elements arrive on the thread of the source; the tap is called on a worker of {@link
   *       WireTapSpec#scheduler}, one element at a time, so it must not block one that must not be
   *       blocked
   * </dl>
   *
   * @param tap gets each element; its publisher is subscribed to once, and what it emits is ignored
   * @param spec the options, from defaults: 256 elements, 10 s for each
   * @throws IllegalArgumentException if an option is out of range
   */
  public static <T> Function<Flux<T>, Flux<T>> wireTap(
      Function<? super T, ? extends Publisher<?>> tap, UnaryOperator<WireTapSpec> spec) {
    Objects.requireNonNull(tap, "tap");
    return tapping(Function.identity(), tap, WireTapSpec.of(spec));
  }

  /**
   * {@link #wireTap} of deliveries, as {@link dev.sluice.flow.Flow} uses it: their messages are
   * sent to {@code target}, under their ids, and their settlements stay where they are.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>every delivery of the source
   *   <dt>Backpressure
   *   <dd>as there
   *   <dt>Completes/Errors
   *   <dd>as there
   *   <dt>Cancel
   *   <dd>as there
   *   <dt>Discard
   *   <dd>no delivery
   *   <dt>Threads
   *   <dd>as there
   * </dl>
   *
   * @param target gets a copy of each message
   * @param spec the options, from defaults: 256 messages, 10 s for each
   * @throws IllegalArgumentException if an option is out of range
   */
  @SuppressWarnings("unchecked") // the payload is a T, so who takes a supertype takes it too
  public static <T> Function<Flux<Delivery<T>>, Flux<Delivery<T>>> ofDeliveries(
      Outbound<? super T> target, UnaryOperator<WireTapSpec> spec) {
    Outbound<T> typed = (Outbound<T>) Objects.requireNonNull(target, "target");
    return tapping(Delivery::message, typed::send, WireTapSpec.of(spec));
  }

  /**
   * @param view what of an element the tap gets to see
   */
  private static <T, V> Function<Flux<T>, Flux<T>> tapping(
      Function<T, V> view, Function<? super V, ? extends Publisher<?>> tap, WireTapSpec spec) {
    return source -> FluxTap.create(source, view, tap, spec);
  }
}
