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

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.Experimental;
import dev.sluice.channel.Channel;
import dev.sluice.channel.EventExchange;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * What a choreography promises on real channels and a real store: its process dies while one
 * conversation stands at each boundary that there is, and another process goes on. No event is
 * lost, and none is doubled in its effect.
 *
 * <p>{@code begun} makes {@code one} do its work and emit {@code one.done}; on that {@code two}
 * emits {@code two.done} or, after a business failure, {@code two.declined}; on either {@code
 * three} emits {@code ended}. Time is real. A subclass says how channels and exchanges are made,
 * and runs the participants over them.
 */
@Experimental
@Timeout(300)
public abstract class ChoreographyContract {

  /** How long something may take that has to happen. */
  protected static final Duration PATIENCE = Duration.ofSeconds(60);

  /** On which events each acts; the last one is the test. */
  protected static final Map<String, List<String>> CONSUMES =
      Map.of(
          "one", List.of("begun"),
          "two", List.of("one.done"),
          "three", List.of("two.done", "two.declined"),
          "judge", List.of("ended"));

  private static final List<String> PARTICIPANTS = List.of("one", "two", "three");

  /** A business failure. */
  public static final class Declined extends Exception {
    private static final long serialVersionUID = 1L;

    /** One of these. */
    public Declined() {
      super("declined");
    }
  }

  /** What each participant does. */
  public interface Work {

    /**
     * Does it.
     *
     * @param conversation the payload of all events of a conversation, and the id of its first
     * @param event the id of the event on which it acts
     * @return what it was given; fails with {@link Declined} after a business failure
     */
    Mono<String> act(String participant, String conversation, String event);
  }

  /** The channel of a participant, as the so-manieth process has it; the same for all of them. */
  protected abstract Channel queue(String participant, int process);

  /**
   * The exchange of a participant.
   *
   * @param queue its channel
   * @param events where its events go
   * @param cuts what its store has to pass through, if it can be cut there
   */
  protected abstract EventExchange exchange(
      Channel queue, Outbound<byte[]> events, int process, Cuts cuts);

  /**
   * Starts a participant, one of three, of a choreography called {@code trial}, for 200
   * conversations at once.
   */
  protected abstract FlowHandle participate(
      String participant,
      Inbound queue,
      EventExchange exchange,
      Work work,
      Outbound<byte[]> deadLetters);

  /** Whether sends may stay unanswered one by one; not if one holds up all others. */
  protected boolean cutsSends() {
    return true;
  }

  /** A process has died: what it held comes to others now, or soon. */
  protected void buried(int process) {}

  // == effects ==

  private final Map<String, Integer> calls = new ConcurrentHashMap<>();
  private final Map<String, String> effects = new ConcurrentHashMap<>();

  /**
   * What the work of a participant leaves behind. By default it is left with somebody who knows the
   * id of the event for a key.
   */
  protected Mono<Void> effect(String participant, String conversation, String event) {
    return Mono.fromRunnable(
        () -> effects.put(participant + ' ' + event, participant + ' ' + conversation));
  }

  /** How many effects a participant has left behind in a conversation. */
  protected long effects(String participant, String conversation) {
    String of = participant + ' ' + conversation;
    return effects.values().stream().filter(of::equals).count();
  }

  /** How many effects are left behind by work that ended in a business failure. */
  protected int effectsOfDeclined() {
    return 1;
  }

  private Mono<String> act(String participant, String conversation, String event) {
    boolean declines = participant.equals("two") && conversation.startsWith("no");
    return Mono.fromRunnable(() -> calls.merge(participant + ' ' + conversation, 1, Integer::sum))
        .then(effect(participant, conversation, event))
        .then(declines ? Mono.error(new Declined()) : Mono.just(conversation));
  }

  // == processes ==

  /** One of them. */
  private final class Life {
    final int number;
    final Cuts cuts;
    final Outbound<byte[]> events;
    final List<FlowHandle> flows = new ArrayList<>();
    final List<Message<byte[]>> letters = new CopyOnWriteArrayList<>();

    Life(int number, Cuts cuts) {
      this.number = number;
      this.cuts = cuts;
      Outbound<byte[]> topic = topic(number);
      this.events = cutsSends() ? cuts.sends(topic) : topic;
      for (String participant : PARTICIPANTS) {
        Channel queue = queue(participant, number);
        flows.add(
            participate(
                participant,
                queue,
                cuts.exchange(exchange(queue, events, number, cuts)),
                ChoreographyContract.this::act,
                dead()));
      }
    }

    private Outbound<byte[]> dead() {
      return new Outbound<>() {
        @Override
        public String name() {
          return "dead";
        }

        @Override
        public Mono<Receipt> send(Message<byte[]> letter) {
          letters.add(letter);
          return Mono.just(new Receipt(name(), letter.id(), ""));
        }
      };
    }

    void die() {
      cuts.die();
      buried(number);
      flows.forEach(flow -> flow.stop(Duration.ZERO).subscribe());
    }

    void stop() {
      Flux.fromIterable(flows).flatMap(flow -> flow.stop(PATIENCE)).blockLast(PATIENCE);
      assertThat(letters).as("dead letters").isEmpty();
    }
  }

  /** Puts each event into the queues of those who act on it. */
  protected final Outbound<byte[]> topic(int process) {
    Map<String, Channel> queues = new HashMap<>();
    CONSUMES.keySet().forEach(who -> queues.put(who, queue(who, process)));
    return new Outbound<>() {
      @Override
      public String name() {
        return "events";
      }

      @Override
      public Mono<Receipt> send(Message<byte[]> event) {
        return Flux.fromIterable(CONSUMES.entrySet())
            .filter(who -> who.getValue().contains(event.type()))
            .concatMap(who -> Objects.requireNonNull(queues.get(who.getKey())).send(event))
            .last();
      }
    };
  }

  private static Message<byte[]> begun(String conversation) {
    return Message.builder(conversation.getBytes(StandardCharsets.UTF_8))
        .type("begun")
        .id(conversation)
        .group(conversation)
        .build();
  }

  private static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("not within " + PATIENCE + ": " + what);
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  // == the trial ==

  private final Map<String, List<String>> ended = new ConcurrentHashMap<>();

  /** Notes which events have come to the end of each conversation. */
  private Disposable judge(int process) {
    return queue("judge", process)
        .receive(ReceiveOptions.defaults())
        .subscribe(
            delivery -> {
              Message<byte[]> end = delivery.message();
              ended
                  .computeIfAbsent(
                      new String(end.payload(), StandardCharsets.UTF_8),
                      c -> new CopyOnWriteArrayList<>())
                  .add(end.id());
              delivery.settlement().settle(Outcome.ack());
            });
  }

  @Test
  void noEventIsLostNorDoubledInEffectWhereverItsProcessDies() {
    Life first = new Life(0, Cuts.none());
    Disposable judge = judge(0);
    List<String> kinds = List.of("ok", "no");
    for (String kind : kinds) {
      String count = kind + "-count";
      topic(0).send(begun(count)).block(PATIENCE);
      await("the end of " + count, () -> ended.containsKey(count));
    }
    first.stop(); // and what comes behind the last event has been passed, too
    judge.dispose();
    Map<String, Integer> cuts = new HashMap<>();
    for (String kind : kinds) {
      int boundaries = first.cuts.passed(kind + "-count").size();
      assertThat(boundaries).isGreaterThanOrEqualTo(3 * 4);
      for (int at = 1; at <= boundaries; at++) {
        cuts.put(kind + '-' + at, at);
      }
    }
    buried(0);

    Life mortal = new Life(1, Cuts.at(cuts));
    Outbound<byte[]> source = topic(1);
    Flux.fromIterable(cuts.keySet())
        .flatMap(conversation -> source.send(begun(conversation)))
        .blockLast(PATIENCE);
    await(
        "a conversation at each boundary: " + missing(cuts, mortal),
        () -> mortal.cuts.held().size() == cuts.size());
    mortal.die();

    Life heir = new Life(2, Cuts.none());
    judge = judge(2);
    try {
      await("the end of all conversations", () -> ended.keySet().containsAll(cuts.keySet()));
    } catch (AssertionError e) {
      List<String> lost =
          mortal.cuts.held().entrySet().stream()
              .filter(held -> !ended.containsKey(held.getKey()))
              .map(Object::toString)
              .sorted()
              .toList();
      throw new AssertionError("lost when their process died: " + lost, e);
    }
    heir.stop();
    judge.dispose();
    buried(2);
    mortal.cuts.held().forEach((conversation, where) -> judge(conversation, where, mortal.cuts));
  }

  private static String missing(Map<String, Integer> cuts, Life process) {
    return cuts.size() + " conversations, of which " + process.cuts.held().size() + " at first";
  }

  private void judge(String conversation, String where, Cuts cuts) {
    String as = conversation + ", killed " + where;
    assertThat(Objects.requireNonNull(ended.get(conversation)).stream().distinct())
        .as("ends of %s", as)
        .hasSize(1);
    for (String participant : PARTICIPANTS) {
      boolean declined = participant.equals("two") && conversation.startsWith("no");
      assertThat(effects(participant, conversation))
          .as("effects of %s in %s", participant, as)
          .isEqualTo(declined ? effectsOfDeclined() : 1);
      boolean inDoubt = // done, and not yet remembered; the next one may have been at work already
          cuts.stopped(conversation).stream()
              .anyMatch(
                  place ->
                      place.equals("after reaction of trial/" + participant)
                          || place.equals("before completing trial/" + participant));
      assertThat(calls.get(participant + ' ' + conversation))
          .as("calls of %s in %s", participant, as)
          .isBetween(1, inDoubt ? 2 : 1);
    }
  }
}
