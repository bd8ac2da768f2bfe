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
package dev.sluice.deadletter;

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.SendFailed;
import dev.sluice.message.Message;
import dev.sluice.store.DeadLetter;
import dev.sluice.store.DeadLetterQuery;
import dev.sluice.store.DeadLetters;
import dev.sluice.store.StoreFailed;
import dev.sluice.time.Timers;
import dev.sluice.time.Times;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * What becomes of rejected messages: a flow puts them into a store, somebody is reminded of them,
 * and they are sent back when their cause is gone.
 *
 * <pre>{@code
 * DeadLetters letters = PostgresDeadLetters.create(database);
 * Flow.from(orders)….deadLetter(DeadLettering.into("orders.dead", letters))…
 *
 * DeadLettering.redriver(letters, letter -> orders, r -> r.rate(50))
 *     .redrive(DeadLetterQuery.all().fingerprint("POISON java.lang.ArithmeticException"))
 * }</pre>
 */
public final class DeadLettering {

  private static final Logger log = LoggerFactory.getLogger(DeadLettering.class);
  private static final int CAUSES = 10;

  private DeadLettering() {}

  /**
   * A store as the target of a flow's dead letters.
   *
   * @param name what the target is called in logs and errors
   */
  public static Outbound<byte[]> into(String name, DeadLetters letters) {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(letters, "letters");
    return new Outbound<>() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public Mono<Receipt> send(Message<byte[]> letter) {
        return Mono.defer(() -> letters.add(letter))
            .map(id -> new Receipt(name, letter.id(), id))
            .onErrorMap(
                StoreFailed.class, error -> SendFailed.unknown(name, error.toString(), error));
      }
    };
  }

  /**
   * Sends letters back.
   *
   * @param target where each of them goes, usually the channel that it came from
   * @param spec the options, from defaults: 100 a second, each at most 3 times, unedited
   * @throws IllegalArgumentException if an option is out of range
   */
  public static Redriver redriver(
      DeadLetters letters,
      Function<? super DeadLetter, ? extends Outbound<byte[]>> target,
      UnaryOperator<RedriveSpec> spec) {
    return new Redriver(
        Objects.requireNonNull(letters, "letters"),
        Objects.requireNonNull(target, "target"),
        Objects.requireNonNull(spec.apply(RedriveSpec.DEFAULT), "spec"));
  }

  /**
   * How it stands with the dead letters.
   *
   * @param stats how many there are, and how old the oldest is
   * @param causes the ten most frequent causes
   * @param overdue whether the oldest has been here for longer than it should: a warning for health
   *     checks
   */
  public record Digest(DeadLetters.Stats stats, List<DeadLetters.Group> causes, boolean overdue) {

    public Digest {
      Objects.requireNonNull(stats, "stats");
      causes = List.copyOf(causes);
    }
  }

  /**
   * Remembers to look at the dead letters: now, and again and again.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>a digest at once and then every {@code pollInterval}; none while the store cannot be
   *       asked, which is logged
   *   <dt>Backpressure
   *   <dd>looks again only when the digest before was taken
   *   <dt>Completes/Errors
   *   <dd>never
   *   <dt>Cancel
   *   <dd>ends it
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on those of the store
   * </dl>
   *
   * @param pollInterval more than zero
   * @param maxAge how long a letter may be here before it is overdue, zero or more
   * @param timer where the waiting is scheduled
   * @throws IllegalArgumentException if a duration is out of range, or the timer cannot do anything
   *     later
   */
  public static Flux<Digest> review(
      DeadLetters letters, Duration pollInterval, Duration maxAge, Scheduler timer) {
    Objects.requireNonNull(letters, "letters");
    Timers.require("timer", timer);
    Times.positive("pollInterval", pollInterval);
    Times.notNegative("maxAge", maxAge);
    return Mono.defer(() -> digest(letters, maxAge))
        .onErrorResume(
            error -> {
              log.warn("the dead letters could not be reviewed", error);
              return Mono.empty();
            })
        .repeatWhen(looked -> looked.concatMap(n -> Mono.delay(pollInterval, timer), 1));
  }

  /**
   * A {@link #review} that runs by itself and can be watched: the number of letters, the age of the
   * oldest, and a warning for health checks. It begins with the call.
   *
   * @param pollInterval more than zero
   * @param maxAge how long a letter may be here before it is overdue, zero or more
   * @param timer where the waiting is scheduled
   * @throws IllegalArgumentException if a duration is out of range, or the timer cannot do anything
   *     later
   */
  public static DeadLetterReviewer reviewer(
      DeadLetters letters, Duration pollInterval, Duration maxAge, Scheduler timer) {
    return new DeadLetterReviewer(review(letters, pollInterval, maxAge, timer));
  }

  private static Mono<Digest> digest(DeadLetters letters, Duration maxAge) {
    return letters
        .stats()
        .flatMap(
            stats ->
                letters
                    .groups(DeadLetterQuery.all().limit(CAUSES))
                    .collectList()
                    .map(
                        causes ->
                            new Digest(
                                stats,
                                causes,
                                stats.letters() > 0 && stats.oldest().compareTo(maxAge) > 0)));
  }
}
