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
package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.contract.OperatorContract;
import dev.sluice.contract.UserCode;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Hooks;
import reactor.core.publisher.Operators;

/**
 * The contract of operators, for the aggregate: two keys at once, two members each. Whatever
 * happens, each member is decided once: by its list, by its key, or because it was discarded.
 */
@ExtendWith(LeakCheck.class)
class AggregateContractTest
    extends OperatorContract<Delivery<String>, Delivery<List<Message<String>>>> {

  @Override
  protected Delivery<String> element(int n) {
    return Member.of("abc".charAt(n % 3) + "-" + n);
  }

  /** A list is made by the operator; who has it has its members. */
  @Override
  protected @Nullable Object identity(Object item) {
    Object payload = item instanceof Delivery<?> delivery ? delivery.message().payload() : item;
    return payload instanceof String ? payload : null;
  }

  @Override
  protected Flux<Delivery<List<Message<String>>>> assemble(
      List<Flux<Delivery<String>>> sources, UserCode user) {
    AggregateSpec<String> spec =
        AggregateSpec.<String>defaults()
            .by(m -> user.call("key", m.payload(), () -> m.payload().charAt(0)), 2)
            .timer(user.timer());
    return FluxAggregate.create(sources.get(0), plan(spec, user::report))
        .doOnNext(list -> list.message().payload().forEach(m -> user.take(m.payload())))
        .doOnDiscard(Delivery.class, Scope::release);
  }

  private static FluxAggregate.Plan<String> plan(
      AggregateSpec<String> spec, Consumer<Throwable> failures) {
    return new FluxAggregate.Plan<>(
        2,
        Duration.ofMillis(3),
        spec,
        delivery -> true,
        (delivery, error) -> {
          delivery.settlement().settle(Outcome.reject(DeadLetterReason.POISON, error));
          failures.accept(error);
        },
        Clock.systemUTC(),
        new NoPressure(),
        "here");
  }

  @Override
  protected void received(Delivery<List<Message<String>>> output) {
    output.settlement().settle(Outcome.ack());
  }

  @Override
  protected void dropped(Object item) {
    Scope.release((Delivery<?>) item);
  }

  @Override
  protected void ended(List<Delivery<String>> entered) {
    for (Delivery<String> delivery : entered) {
      assertThat(((Member) delivery.settlement()).decided)
          .as("decisions about %s", delivery.message().payload())
          .hasSize(1);
    }
  }

  @Test
  void tellsOfAnErrorThatComesAfterACancel() {
    List<Throwable> dropped = new ArrayList<>();
    Hooks.onErrorDropped(dropped::add);
    try {
      BaseSubscriber<Delivery<List<Message<String>>>> subscriber = new BaseSubscriber<>() {};
      AggregateMain<String> main =
          new AggregateMain<>(subscriber, plan(AggregateSpec.defaults(), error -> {}));
      main.onSubscribe(Operators.emptySubscription());
      subscriber.cancel();
      main.onError(new IllegalStateException("too late"));
    } finally {
      Hooks.resetOnErrorDropped();
    }
    assertThat(dropped).singleElement().hasToString("java.lang.IllegalStateException: too late");
  }
}
