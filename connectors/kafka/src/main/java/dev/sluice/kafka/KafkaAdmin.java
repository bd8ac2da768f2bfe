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
package dev.sluice.kafka;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.common.KafkaFuture;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * An admin client that is made when it is first needed. Never blocks its caller; results arrive on
 * {@link Schedulers#parallel()}.
 */
final class KafkaAdmin {

  private static final int TIMEOUT_MILLIS = 10_000;

  private final AtomicReference<@Nullable Admin> made = new AtomicReference<>();
  private final Mono<Admin> admin;

  KafkaAdmin(Map<String, Object> config) {
    Map<String, Object> complete = new HashMap<>();
    complete.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, TIMEOUT_MILLIS);
    complete.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, TIMEOUT_MILLIS / 2);
    complete.putAll(config);
    this.admin =
        Mono.fromSupplier(() -> make(complete))
            .subscribeOn(Schedulers.boundedElastic()) // it resolves host names
            .cacheInvalidateIf(client -> client != made.get());
  }

  <T> Mono<T> call(Function<Admin, KafkaFuture<T>> request) {
    return admin
        .flatMap(client -> from(() -> request.apply(client)))
        .publishOn(Schedulers.parallel());
  }

  /** Gives the connections back; a later call makes new ones. */
  Mono<Void> close() {
    return Mono.<Void>fromRunnable(
            () -> {
              Admin client = made.getAndSet(null);
              if (client != null) {
                client.close();
              }
            })
        .subscribeOn(Schedulers.boundedElastic());
  }

  private Admin make(Map<String, Object> config) {
    Admin client = Admin.create(config);
    Admin before = made.getAndSet(client);
    if (before != null) {
      before.close();
    }
    return client;
  }

  private static <T> Mono<T> from(Supplier<KafkaFuture<T>> future) {
    return Mono.fromCompletionStage(() -> future.get().toCompletionStage());
  }
}
