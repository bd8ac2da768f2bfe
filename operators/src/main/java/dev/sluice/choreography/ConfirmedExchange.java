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
package dev.sluice.choreography;

import static dev.sluice.idempotent.Idempotent.idempotent;

import dev.sluice.channel.EventExchange;
import dev.sluice.channel.Outbound;
import dev.sluice.codec.BytesCodec;
import dev.sluice.delivery.Delivery;
import dev.sluice.idempotent.Idempotent;
import dev.sluice.idempotent.IdempotentSpec;
import dev.sluice.message.Message;
import dev.sluice.store.IdempotencyKey;
import dev.sluice.store.IdempotencyStore;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * An exchange without a transaction. What follows from an event is remembered before any of it is
 * sent, together with the fact that the event was dealt with; so whoever dies after that leaves
 * everything behind that the next one needs, and sends again what may have been sent, as it was.
 */
final class ConfirmedExchange implements EventExchange {

  /** One event at one participant. */
  private static final class Once {
    private final String id;
    private final Reaction reaction;
    private volatile boolean done;

    Once(String id, Reaction reaction) {
      this.id = id;
      this.reaction = reaction;
    }
  }

  private final IdempotencyStore store;
  private final Outbound<byte[]> target;
  private final UnaryOperator<IdempotentSpec> spec;
  private final Map<String, Idempotent<Once, byte[]>> scopes = new ConcurrentHashMap<>();

  ConfirmedExchange(
      IdempotencyStore store, Outbound<byte[]> target, UnaryOperator<IdempotentSpec> spec) {
    this.store = store;
    this.target = target;
    this.spec = spec;
    Idempotent<Once, byte[]> unused = once("checks the spec");
  }

  @Override
  public Mono<Exchanged> exchange(String scope, Delivery<?> delivery, Reaction reaction) {
    return Mono.defer(
        () -> {
          Once once = new Once(delivery.message().id(), reaction);
          return scopes
              .computeIfAbsent(scope, this::once)
              .run(once)
              .switchIfEmpty(Mono.error(() -> forgotten(scope, once)))
              .map(EmittedCodec::decode)
              .flatMap(
                  messages ->
                      target
                          .sendAll(Flux.fromIterable(messages))
                          .then(Mono.just(new Exchanged(messages, !once.done))));
        });
  }

  private Idempotent<Once, byte[]> once(String scope) {
    return idempotent(scope, (Once once) -> once.id, store, ConfirmedExchange::react, spec)
        .replaying(BytesCodec.bytes());
  }

  private static Mono<byte[]> react(Once once) {
    return Mono.defer(once.reaction::react)
        .onErrorResume(
            error ->
                Mono.justOrEmpty(once.reaction.declined(error)).switchIfEmpty(Mono.error(error)))
        .map(messages -> remembered(once, messages));
  }

  /** A result that is too large would go to nobody else, and be lost with this process. */
  private static byte[] remembered(Once once, List<Message<byte[]>> messages) {
    byte[] encoded = EmittedCodec.encode(messages);
    if (encoded.length > IdempotencyStore.MAX_RESULT) {
      throw new IllegalArgumentException(
          "events that follow from "
              + once.id
              + ": "
              + encoded.length
              + " bytes (expected: <= "
              + IdempotencyStore.MAX_RESULT
              + ')');
    }
    once.done = true;
    return encoded;
  }

  private static IllegalStateException forgotten(String scope, Once once) {
    return new IllegalStateException(
        new IdempotencyKey(scope, once.id)
            + " was completed without what follows from it (expected: a scope of its own)");
  }
}
