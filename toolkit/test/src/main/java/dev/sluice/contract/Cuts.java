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
import dev.sluice.channel.EventExchange;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.delivery.Delivery;
import dev.sluice.message.Message;
import dev.sluice.store.IdempotencyKey;
import dev.sluice.store.IdempotencyStore;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * One process of a choreography under trial, in which each conversation stops at a boundary of its
 * own: before or after the so-manieth thing that is done about it. There it stays until the process
 * dies, after which nothing happens in it any more.
 */
@Experimental
public final class Cuts {

  private final Map<String, Integer> cuts;
  private final Map<String, List<String>> passed = new ConcurrentHashMap<>();
  private final Map<String, String> conversations = new ConcurrentHashMap<>();
  private final Map<String, String> held = new ConcurrentHashMap<>();
  private final Map<String, Set<String>> stopped = new ConcurrentHashMap<>();
  private volatile boolean dead;

  private Cuts(Map<String, Integer> cuts) {
    this.cuts = Map.copyOf(cuts);
  }

  /** Nothing stops. */
  public static Cuts none() {
    return new Cuts(Map.of());
  }

  /**
   * Some stop.
   *
   * @param cuts the boundary of each conversation, from 1
   */
  public static Cuts at(Map<String, Integer> cuts) {
    return new Cuts(cuts);
  }

  /** Where each conversation has stopped that has. */
  public Map<String, String> held() {
    return Map.copyOf(held);
  }

  /** The boundaries that a conversation has passed, in their order. */
  public List<String> passed(String conversation) {
    return List.copyOf(passed.getOrDefault(conversation, List.of()));
  }

  /** The process dies. */
  public void die() {
    dead = true;
  }

  /** All places at which something of a conversation has stopped. */
  public Set<String> stopped(String conversation) {
    return Set.copyOf(stopped.getOrDefault(conversation, Set.of()));
  }

  private boolean stops(String conversation, String where) {
    boolean stops = dead || strikes(conversation, where);
    if (stops) {
      stopped.computeIfAbsent(conversation, c -> ConcurrentHashMap.newKeySet()).add(where);
    }
    return stops;
  }

  private boolean strikes(String conversation, String where) {
    List<String> so = passed.computeIfAbsent(conversation, c -> new CopyOnWriteArrayList<>());
    synchronized (so) {
      so.add(where);
      if (held.containsKey(conversation)) {
        return true; // what it does elsewhere at the same time stops too
      }
      if (so.size() != cuts.getOrDefault(conversation, 0)) {
        return false;
      }
    }
    held.put(conversation, where);
    return true;
  }

  /** Work with a boundary before and after it. */
  public <T> Mono<T> through(String conversation, String what, Mono<T> work) {
    return Mono.defer(
        () ->
            stops(conversation, "before " + what)
                ? Mono.<T>never()
                : work.materialize()
                    .flatMap(
                        answer ->
                            stops(conversation, "after " + what) ? Mono.never() : Mono.just(answer))
                    .<T>dematerialize());
  }

  /** Work that happens only while the process is alive. */
  private <T> Mono<T> alive(Mono<T> work) {
    return Mono.defer(() -> dead ? Mono.<T>never() : work)
        .materialize()
        .flatMap(answer -> dead ? Mono.never() : Mono.just(answer))
        .<T>dematerialize();
  }

  private static String conversation(Message<?> message) {
    String correlation = message.correlationId();
    return correlation == null ? message.id() : correlation;
  }

  /** A channel whose sends are boundaries. */
  public Outbound<byte[]> sends(Outbound<byte[]> real) {
    return new Outbound<>() {
      @Override
      public String name() {
        return real.name();
      }

      @Override
      public Mono<Receipt> send(Message<byte[]> message) {
        return through(conversation(message), "sending " + message.type(), real.send(message));
      }
    };
  }

  /** An exchange whose beginning, reaction and end are boundaries. */
  public EventExchange exchange(EventExchange real) {
    return (scope, delivery, reaction) -> {
      String conversation = conversation(delivery.message());
      conversations.put(delivery.message().id(), conversation);
      return through(
          conversation,
          "exchange of " + scope,
          exchange(real, scope, delivery, reaction, conversation));
    };
  }

  private Mono<EventExchange.Exchanged> exchange(
      EventExchange real,
      String scope,
      Delivery<?> delivery,
      EventExchange.Reaction reaction,
      String conversation) {
    return real.exchange(
        scope,
        delivery,
        new EventExchange.Reaction() {
          @Override
          public Mono<List<Message<byte[]>>> react() {
            return through(conversation, "reaction of " + scope, reaction.react());
          }

          @Override
          public boolean mayDecline() {
            return reaction.mayDecline();
          }

          @Override
          public @Nullable List<Message<byte[]>> declined(Throwable error) {
            return reaction.declined(error);
          }
        });
  }

  /** A store in which to begin and to complete are boundaries. */
  public IdempotencyStore store(IdempotencyStore real) {
    return new IdempotencyStore() {
      @Override
      public Mono<Attempt> begin(IdempotencyKey key, Duration lease) {
        return through(of(key), "beginning " + key.scope(), real.begin(key, lease));
      }

      @Override
      public Mono<Boolean> complete(
          Attempt.Started started, byte @Nullable [] result, Duration retention) {
        return through(
            of(started.key()),
            "completing " + started.key().scope(),
            real.complete(started, result, retention));
      }

      @Override
      public Mono<Boolean> renew(Attempt.Started started, Duration lease) {
        return alive(Mono.defer(() -> real.renew(started, lease)));
      }

      @Override
      public Mono<Boolean> release(Attempt.Started started) {
        return alive(Mono.defer(() -> real.release(started)));
      }

      @Override
      public Mono<Integer> purge(int limit) {
        return alive(Mono.defer(() -> real.purge(limit)));
      }

      private String of(IdempotencyKey key) {
        return conversations.getOrDefault(key.key(), key.key());
      }
    };
  }
}
