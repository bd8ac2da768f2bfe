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

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.store.StoreFailed;
import io.r2dbc.pool.ConnectionPool;
import io.r2dbc.pool.ConnectionPoolConfiguration;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.ConnectionFactory;
import io.r2dbc.spi.ConnectionFactoryMetadata;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

/** Connections that have died in the pool, without a server: there their end is seen too late. */
class DeadConnectionsTest {

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final int MOST = 8;

  /** Connections that are told when they are dead. */
  private static final class Factory implements ConnectionFactory {

    private final AtomicInteger made = new AtomicInteger();
    private final Set<Integer> dead = ConcurrentHashMap.newKeySet();
    private volatile boolean stillborn;

    @Override
    public Publisher<? extends Connection> create() {
      return Mono.fromSupplier(
          () -> {
            int number = made.incrementAndGet();
            if (stillborn) {
              dead.add(number);
            }
            return connection(number);
          });
    }

    private Connection connection(int number) {
      return (Connection)
          Proxy.newProxyInstance(
              getClass().getClassLoader(),
              new Class<?>[] {Connection.class},
              (proxy, method, args) ->
                  switch (method.getName()) {
                    case "validate" -> Mono.fromSupplier(() -> !dead.contains(number));
                    case "isAutoCommit" -> true;
                    case "toString" -> "connection " + number;
                    case "hashCode" -> number;
                    case "equals" -> proxy == args[0];
                    default -> Mono.empty();
                  });
    }

    void killAll() {
      for (int number = 1; number <= made.get(); number++) {
        dead.add(number);
      }
    }

    @Override
    public ConnectionFactoryMetadata getMetadata() {
      return () -> "none";
    }
  }

  private final Factory factory = new Factory();
  private final ConnectionPool pool =
      new ConnectionPool(
          ConnectionPoolConfiguration.builder(factory)
              .initialSize(0)
              .maxSize(MOST)
              .acquireRetry(0)
              .build());
  private final Db db = new Db(pool, PATIENCE, PATIENCE, Schedulers.parallel());

  @AfterEach
  void close() {
    pool.disposeLater().block(PATIENCE);
  }

  private void openAll() {
    Sinks.Empty<Void> go = Sinks.empty();
    Flux.range(0, MOST)
        .flatMap(
            i ->
                db.run(
                    "hold",
                    connection -> {
                      if (factory.made.get() == MOST) {
                        go.tryEmitEmpty();
                      }
                      return go.asMono().thenReturn(i);
                    }))
        .blockLast(PATIENCE);
    assertThat(factory.made).hasValue(MOST);
  }

  @Test
  void costNothing() {
    openAll();
    factory.killAll();
    StepVerifier.create(db.run("use", connection -> Mono.just("done")))
        .expectNext("done")
        .expectComplete()
        .verify(PATIENCE);
    assertThat(factory.made).as("all were tried, and one made").hasValue(MOST + 1);
  }

  @Test
  void areNotTriedForEver() {
    factory.stillborn = true;
    StepVerifier.create(db.run("use", connection -> Mono.just("done")))
        .expectError(StoreFailed.class)
        .verify(PATIENCE);
    assertThat(factory.made).hasValue(MOST + 1);
  }
}
