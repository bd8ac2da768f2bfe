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
package dev.sluice.saga;

import dev.sluice.Experimental;
import dev.sluice.store.SagaKey;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import reactor.core.publisher.Mono;

/**
 * A saga that can be begun in one process and ended in another: its name, its version, and how its
 * body is made from its input.
 *
 * <p>The body is run again when the saga is recovered. Steps that are done then give what they
 * gave, in the order of the journal, without their actions being called. So what stands between the
 * steps must come to the same again: no clock, no random number, no call to anybody but in a step.
 * And while sagas of a version have not ended, its steps, their order, their names, keys and inputs
 * must stay as they are; what is to change is a new version beside it.
 *
 * @param <I> what it is begun with
 * @param <R> what its body emits
 */
@Experimental
public final class SagaDefinition<I, R> {

  private final String name;
  private final int version;
  private final Class<I> input;
  private final Class<R> result;
  private final Function<? super I, ? extends Mono<R>> body;
  private final SagaSpec<R> spec;

  private SagaDefinition(
      String name,
      int version,
      Class<I> input,
      Class<R> result,
      Function<? super I, ? extends Mono<R>> body,
      SagaSpec<R> spec) {
    this.name = name;
    this.version = version;
    this.input = input;
    this.result = result;
    this.body = body;
    this.spec = spec;
  }

  /**
   * A definition with the default options of a saga.
   *
   * @param name 1 to {@value SagaKey#MAX_SAGA} characters
   * @param version 1 or more
   * @param input what the journal keeps of it is read as this
   * @param result what the journal keeps of it is read as this; {@code Void.class} for none
   * @param body must not return null, nor do anything before it is subscribed to
   * @throws IllegalArgumentException if the name is blank or too long, or the version is less
   */
  public static <I, R> SagaDefinition<I, R> of(
      String name,
      int version,
      Class<I> input,
      Class<R> result,
      Function<? super I, ? extends Mono<R>> body) {
    if (name.isBlank()) {
      throw new IllegalArgumentException("saga: \"" + name + "\" (expected: a name)");
    }
    SagaKey named = new SagaKey(name, "any"); // checks the name
    if (version < 1) {
      throw new IllegalArgumentException("version: " + version + " (expected: >= 1)");
    }
    return new SagaDefinition<>(
        named.saga(),
        version,
        Objects.requireNonNull(input, "input"),
        Objects.requireNonNull(result, "result"),
        Objects.requireNonNull(body, "body"),
        SagaSpec.defaults());
  }

  /**
   * The same with other options. Its timeout counts from when the saga was begun, also after it was
   * recovered; its timer is that of {@link DurableSpec}.
   *
   * @param change is given those it has
   */
  public SagaDefinition<I, R> with(UnaryOperator<SagaSpec<R>> change) {
    return new SagaDefinition<>(
        name, version, input, result, body, Objects.requireNonNull(change.apply(spec), "spec"));
  }

  /** The name, which all of its versions share. */
  public String name() {
    return name;
  }

  /** The version. */
  public int version() {
    return version;
  }

  Class<I> input() {
    return input;
  }

  Class<R> result() {
    return result;
  }

  SagaSpec<R> spec() {
    return spec;
  }

  Mono<R> body(I in) {
    return Mono.defer(
        () -> Objects.requireNonNull(body.apply(in), () -> "body of " + this + " returned null"));
  }

  @Override
  public String toString() {
    return name + " version " + version;
  }
}
