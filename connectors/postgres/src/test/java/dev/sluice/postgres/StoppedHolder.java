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
package dev.sluice.postgres;

import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import reactor.core.publisher.Mono;

/**
 * The process of {@link StoppedProcessTest}: takes one message, says so, acknowledges it when it is
 * told to, and says what came of that.
 */
final class StoppedHolder {

  private StoppedHolder() {}

  public static void main(String[] arguments) throws Exception {
    PostgresDatabase database =
        Objects.requireNonNull(
            PostgresDatabase.connect(
                    arguments[0],
                    p -> p.schema(arguments[1]).acquireTimeout(Duration.ofSeconds(60)))
                .block());
    BlockingQueue<Delivery<byte[]>> taken = new LinkedBlockingQueue<>();
    PostgresChannel.create(database, "orders")
        .receive(ReceiveOptions.defaults().maxUnsettled(1).lease(Duration.ofSeconds(2)))
        .subscribe(taken::add);
    Delivery<byte[]> delivery = taken.take();
    System.out.println("taken");
    System.in.read();
    delivery.settlement().settle(Outcome.ack());
    System.out.println(
        delivery
            .settlement()
            .durable()
            .thenReturn("durable")
            .onErrorResume(error -> Mono.just(error.getClass().getSimpleName()))
            .block());
  }
}
