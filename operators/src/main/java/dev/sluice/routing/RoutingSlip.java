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
import dev.sluice.channel.Receipt;
import dev.sluice.message.Message;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * A routing slip: the message itself says which steps it still has to go through, one after the
 * other. Whoever knows the way attaches the slip; each step works on the message and sends it on
 * with {@link #following}, which takes the next step off the slip.
 *
 * <p>A slip is a list of names, and a name means nothing by itself: only what the application has
 * registered under it can be reached. A slip gets shorter with every step, so a message cannot go
 * in circles by itself.
 *
 * <p>The id of a message stays the same on its whole way. A step that it goes through twice needs a
 * key of its own if it is {@linkplain dev.sluice.idempotent.Idempotent idempotent}.
 */
@Experimental
public final class RoutingSlip {

  /** The header with the names of the steps that are left, separated by commas. */
  static final String HEADER = "sl-slip";

  /** Most steps of one slip. */
  public static final int MAX_STEPS = 64;

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,64}");

  private RoutingSlip() {}

  /**
   * The message with a slip, in place of one that it may have.
   *
   * @param steps the names of the steps, the next one first: 0..{@value #MAX_STEPS} names of 1..64
   *     letters, digits and {@code ._-}
   * @throws IllegalArgumentException if there are too many or one is out of range
   */
  public static <T> Message<T> attach(Message<T> message, List<String> steps) {
    if (steps.size() > MAX_STEPS) {
      throw new IllegalArgumentException(
          "steps: " + steps.size() + " (expected: 0.." + MAX_STEPS + ")");
    }
    for (String step : steps) {
      if (!NAME.matcher(step).matches()) {
        throw new IllegalArgumentException(
            "step: \"" + step + "\" (expected: 1..64 letters, digits and ._-)");
      }
    }
    return message.withHeaders(message.headers().withReserved(HEADER, String.join(",", steps)));
  }

  /**
   * The steps that a message still has to go through; empty if it has been through all of them, or
   * has no slip, or one that cannot be read.
   */
  public static List<String> of(Message<?> message) {
    List<String> steps = read(message);
    return steps == null ? List.of() : steps;
  }

  /** Null if there is no slip that can be read. */
  private static @Nullable List<String> read(Message<?> message) {
    String slip = message.headers().get(HEADER);
    if (slip == null) {
      return null;
    }
    List<String> steps = slip.isEmpty() ? List.of() : List.of(slip.split(",", MAX_STEPS + 1));
    return steps.size() <= MAX_STEPS && steps.stream().allMatch(NAME.asMatchPredicate())
        ? steps
        : null;
  }

  /**
   * A channel to send to that sends each message to the next step of its slip, with the rest of the
   * slip, and to {@code end} when there is none left. A message without a slip, with one that
   * cannot be read, or whose next step is not registered fails as {@link Unroutable}.
   *
   * @param name what it is called in failures, not blank
   * @param registry what a name on a slip may lead to
   * @param end where messages go that have been through all steps
   */
  public static <T> Outbound<T> following(
      String name, Map<String, ? extends Outbound<T>> registry, Outbound<T> end) {
    if (Objects.requireNonNull(name, "name").isBlank()) {
      throw new IllegalArgumentException("name: \"" + name + "\" (expected: not blank)");
    }
    return new Following<>(name, Map.copyOf(registry), Objects.requireNonNull(end, "end"));
  }

  private record Following<T>(String name, Map<String, Outbound<T>> registry, Outbound<T> end)
      implements Outbound<T> {

    @Override
    public Mono<Receipt> send(Message<T> message) {
      Objects.requireNonNull(message, "message");
      return Mono.defer(() -> follow(message));
    }

    private Mono<Receipt> follow(Message<T> message) {
      List<String> steps = read(message);
      if (steps == null) {
        return Mono.error(new Unroutable(name, "no routing slip that can be read in " + message));
      }
      if (steps.isEmpty()) {
        return end.send(message);
      }
      Outbound<T> next = registry.get(steps.get(0));
      return next == null
          ? Mono.error(
              new Unroutable(name, "no step " + steps.get(0) + " is registered, for " + message))
          : next.send(attach(message, steps.subList(1, steps.size())));
    }
  }
}
