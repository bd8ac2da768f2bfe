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
package dev.sluice.contract;

import dev.sluice.Experimental;
import java.util.List;
import java.util.function.Supplier;
import org.reactivestreams.Publisher;
import reactor.core.scheduler.Scheduler;

/**
 * The functions that a user would give to the operator under test. An operator contract counts the
 * calls, lets each of them fail in turn, and keeps account of the items that they take and make.
 *
 * <pre>{@code
 * groupedConvoy(
 *     order -> user.call("group", order, () -> order.customer()),
 *     order -> user.publish("worker", order, order + " is done"))
 * }</pre>
 */
@Experimental
public final class UserCode {

  private final Trial<?, ?> trial;

  UserCode(Trial<?, ?> trial) {
    this.trial = trial;
  }

  /**
   * A function that looks at an item and returns something that is not one: a key, a predicate's
   * answer. It may be made to throw, or to return null.
   *
   * @param function what it is called
   * @param item what it was called with
   * @param body what it does
   */
  public <V> V call(String function, Object item, Supplier<? extends V> body) {
    return trial.call(function, item, body);
  }

  /**
   * A function that takes an item and makes another one of it: a mapper, a combiner. It may be made
   * to throw, or to return null.
   *
   * @param function what it is called
   * @param item what it was called with
   * @param made what it makes: an item that is not equal to another one
   */
  public <V> V make(String function, Object item, V made) {
    return trial.make(function, item, made);
  }

  /**
   * A function that takes an item and returns a publisher: a worker. What it returns is sometimes a
   * {@code Callable}, sometimes emits as soon as it is asked and sometimes later. It may be made to
   * throw, to return null, or to return a publisher that fails at once or after its values.
   *
   * @param function what it is called
   * @param item what it was called with
   * @param values what the publisher emits: items that are not equal to others
   */
  @SafeVarargs
  @SuppressWarnings("varargs") // List.of copies the array
  public final <V> Publisher<V> publish(String function, Object item, V... values) {
    return trial.publish(function, item, List.of(values));
  }

  /** Says that the user has these items now, and the operator need not account for them. */
  public void take(Object... items) {
    for (Object item : items) {
      trial.account(History.Kind.TAKEN, item);
    }
  }

  /**
   * Says that the user was told of an error, where the operator does not end with it: from a
   * listener, say, or from what it emits.
   */
  public void report(Throwable error) {
    trial.told(error, "the user is told of ");
  }

  /**
   * Virtual time, for an operator that takes a scheduler. Where it takes none it runs on virtual
   * time too, except in the races.
   */
  public Scheduler timer() {
    return trial.timer();
  }
}
