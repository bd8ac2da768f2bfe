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

import dev.sluice.channel.EventExchange;
import dev.sluice.channel.EventExchange.Exchanged;
import dev.sluice.delivery.Delivery;
import dev.sluice.message.Message;
import dev.sluice.observe.Meters;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/** A participant at work in this process: what it does with a delivery. */
final class Handling {

  private final Participant participant;
  private final String scope;
  private final EventExchange exchange;
  private final Scheduler timer;
  private final @Nullable EventTrace trace;
  private final Counts counts;

  Handling(
      Participant participant,
      String scope,
      EventExchange exchange,
      Scheduler timer,
      @Nullable EventTrace trace,
      Counts counts) {
    this.participant = participant;
    this.scope = scope;
    this.exchange = exchange;
    this.timer = timer;
    this.trace = trace;
    this.counts = counts;
  }

  /** What a participant has done in this process. */
  static final class Counts {
    private final LongAdder consumed = new LongAdder();
    private final LongAdder emitted = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final LongAdder repeated = new LongAdder();

    void meters(Meters meters) {
      String unit = "events";
      meters.counter("sluice.choreography.consumed", unit, "Acted on", consumed::sum);
      meters.counter("sluice.choreography.emitted", unit, "Emitted", emitted::sum);
      meters.counter(
          "sluice.choreography.failed", unit, "Ended in a business failure", failed::sum);
      meters.counter(
          "sluice.choreography.repeated", unit, "Came again and had been acted on", repeated::sum);
    }
  }

  boolean wants(Message<?> event) {
    return participant.reaction(event.type()) != null;
  }

  /** Completes when the event may be acknowledged. */
  Mono<Void> handle(Delivery<byte[]> delivery) {
    return Mono.defer(
        () -> {
          Message<byte[]> event = delivery.message();
          Attempt<?> attempt =
              new Attempt<>(Objects.requireNonNull(participant.reaction(event.type())), event);
          return exchange
              .exchange(scope, delivery, attempt)
              .doOnNext(exchanged -> note(event, exchanged, attempt.failed))
              .then();
        });
  }

  private void note(Message<byte[]> event, Exchanged exchanged, boolean failed) {
    (exchanged.repeated() ? counts.repeated : counts.consumed).increment();
    if (!exchanged.repeated()) {
      counts.emitted.add(exchanged.messages().size());
      if (failed) {
        counts.failed.increment();
      }
    }
    if (trace != null) {
      Instant now = now();
      String name = participant.name();
      if (exchanged.repeated()) {
        trace.add(EventTrace.What.REPEATED, event, name, now);
      } else {
        trace.add(EventTrace.What.CONSUMED, event, name, now);
        EventTrace.What what = failed ? EventTrace.What.FAILED : EventTrace.What.EMITTED;
        exchanged.messages().forEach(message -> trace.add(what, message, name, now));
      }
    }
  }

  private Instant now() {
    return Instant.ofEpochMilli(timer.now(TimeUnit.MILLISECONDS));
  }

  /** A reaction to one event, which was read before: what cannot be read is no failure of it. */
  private final class Attempt<T> implements EventExchange.Reaction {

    private final Reaction<T> reaction;
    private final Message<byte[]> cause;
    private final Message<T> event;
    private volatile boolean failed;

    Attempt(Reaction<T> reaction, Message<byte[]> cause) {
      this.reaction = reaction;
      this.cause = cause;
      this.event = reaction.read(cause);
    }

    @Override
    public Mono<List<Message<byte[]>>> react() {
      return Mono.defer(
          () -> {
            failed = false;
            return reaction
                .handle(event)
                .take(Choreography.MAX_EVENTS + 1L)
                .collectList()
                .map(this::written);
          });
    }

    private List<Message<byte[]>> written(List<Event<?>> events) {
      if (events.size() > Choreography.MAX_EVENTS) {
        throw new IllegalArgumentException(
            "events on "
                + reaction.trigger()
                + ": more than "
                + Choreography.MAX_EVENTS
                + " (expected: <= "
                + Choreography.MAX_EVENTS
                + ')');
      }
      Instant now = now();
      List<Message<byte[]>> messages = new ArrayList<>(events.size());
      for (int i = 0; i < events.size(); i++) {
        messages.add(events.get(i).after(cause, scope + '/' + i, now));
      }
      return messages;
    }

    @Override
    public boolean mayDecline() {
      return !reaction.spec().failures().isEmpty();
    }

    @Override
    public @Nullable List<Message<byte[]>> declined(Throwable error) {
      Event<?> failure = reaction.failure(error);
      if (failure == null) {
        return null;
      }
      failed = true;
      return List.of(failure.after(cause, scope + "/failed", now()));
    }
  }
}
