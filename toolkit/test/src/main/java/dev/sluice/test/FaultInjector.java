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
package dev.sluice.test;

import dev.sluice.Experimental;
import dev.sluice.channel.Channel;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * Stands between a flow and its channels, counts every interaction, and breaks one of them. With it
 * a test shows what becomes of the messages when something fails at the worst moment.
 *
 * <p>First count, then break each in turn:
 *
 * <pre>{@code
 * FaultInjector counting = FaultInjector.none();
 * run(counting.inbound(orders), counting.outbound(shipments));
 *
 * for (Interaction interaction : counting.interactions()) {
 *   FaultInjector injector = FaultInjector.at(interaction, Fault.KILL_AFTER);
 *   FlowHandle handle = run(injector.inbound(orders), injector.outbound(shipments));
 *   StepVerifier.create(injector.struck())
 *       .expectNext(interaction)
 *       .expectComplete()
 *       .verify(Duration.ofSeconds(10));
 *   …
 * }
 * }</pre>
 *
 * <p>A fault strikes once. After a failure, or an answer that never comes, everything else works.
 * After a kill nothing does: no signal passes in either direction any more, as if the process had
 * died, and what the channel still does for it, it does for nobody. Only what had been handed to a
 * channel before may still happen there. {@link #bury()} then lets go of what the dead held.
 *
 * <p>An injector is for one run of one process and wraps as many channels as that uses; they share
 * the numbers. The dead letters of an inbound are wrapped too, without being asked for.
 * Interactions are numbered in the order in which they begin; where the flow has several threads,
 * that order may change from run to run, but the third send is always a send: so the numbers count
 * each {@link Kind} by itself.
 *
 * <p>Thread-safe.
 */
@Experimental
public final class FaultInjector {

  /** What a flow and a channel do with each other. */
  public enum Kind {
    /** A subscription to {@link Inbound#receive}. */
    RECEIVE,
    /** A request of a consumer. */
    REQUEST,
    /** A delivery to a consumer. */
    DELIVER,
    /** A decision about a delivery on its way to the channel. */
    SETTLE,
    /** A subscription to {@link dev.sluice.delivery.Settlement#durable()}. */
    DURABLE,
    /** A subscription to {@link Outbound#send}. */
    SEND,
    /** The same, for a dead letter. */
    DEAD_LETTER,
    /** A subscription to {@link Inbound#depth()}. */
    DEPTH
  }

  /** What goes wrong with an interaction. */
  public enum Fault {
    /**
     * It fails and has had no effect: a sequence ends with an {@link InjectedFailure}; a send has
     * certainly not been sent; a decision is lost, and with it the ownership.
     */
    FAIL_BEFORE,
    /**
     * It has its effect, and then looks as if it had failed: the answer was lost. Whether a send
     * has arrived is unknown; a decision that took effect looks lost.
     */
    FAIL_AFTER,
    /** The process dies before it has an effect. */
    KILL_BEFORE,
    /** The process dies when it has had its effect. */
    KILL_AFTER,
    /**
     * It is lost on the way, or its answer is, and nobody says so: a request or a delivery never
     * arrives; everything else has its effect, and no answer.
     */
    NO_ANSWER
  }

  /**
   * One thing that happened.
   *
   * @param kind what it is
   * @param number which of its kind, from 1
   */
  public record Interaction(Kind kind, int number) {
    public Interaction {
      Objects.requireNonNull(kind, "kind");
      if (number < 1) {
        throw new IllegalArgumentException("number: " + number + " (expected: >= 1)");
      }
    }

    @Override
    public String toString() {
      return kind + " " + number;
    }
  }

  /** What a sequence ends with that was made to fail. */
  public static final class InjectedFailure extends RuntimeException {

    private static final long serialVersionUID = 1L;

    InjectedFailure(Interaction interaction, Fault fault) {
      super(interaction + ": " + fault);
    }
  }

  /*
   * Threads: anything may be called from any thread. begin is synchronized, so that the numbers are
   * in the order of the list; nothing foreign is called inside.
   *
   * dead       once true, for ever. Whoever is about to pass a signal on looks at it first
   * remains    what has to be let go of after a death; added by whoever subscribes or receives
   * buried     set before remains is emptied: whoever adds to it later empties it, too
   */

  private final @Nullable Interaction target;
  private final int targetIndex;
  private final Fault fault;
  private final List<Interaction> interactions = new ArrayList<>();
  private final Map<Kind, Integer> numbers = new EnumMap<>(Kind.class);
  private final Sinks.One<Interaction> struck = Sinks.one();
  private final Queue<Runnable> remains = new ConcurrentLinkedQueue<>();
  private volatile boolean dead;
  private volatile boolean buried;
  private volatile @Nullable Interaction broken;

  private FaultInjector(@Nullable Interaction target, int targetIndex, Fault fault) {
    this.target = target;
    this.targetIndex = targetIndex;
    this.fault = Objects.requireNonNull(fault, "fault");
  }

  /** Counts and breaks nothing. */
  public static FaultInjector none() {
    return new FaultInjector(null, 0, Fault.NO_ANSWER);
  }

  /**
   * Breaks one interaction.
   *
   * @param interaction which
   * @param fault how
   */
  public static FaultInjector at(Interaction interaction, Fault fault) {
    return new FaultInjector(Objects.requireNonNull(interaction, "interaction"), 0, fault);
  }

  /**
   * Breaks the k-th interaction, of whatever kind it is.
   *
   * @param k from 1
   * @param fault how
   */
  public static FaultInjector at(int k, Fault fault) {
    if (k < 1) {
      throw new IllegalArgumentException("k: " + k + " (expected: >= 1)");
    }
    return new FaultInjector(null, k, fault);
  }

  // == what is between ==

  /** The channel as the flow shall see it, its dead letters included. */
  public Inbound inbound(Inbound real) {
    return new FaultyInbound(this, Objects.requireNonNull(real, "real"));
  }

  /** The channel as the flow shall see it. */
  public <T> Outbound<T> outbound(Outbound<T> real) {
    return new FaultyOutbound<>(this, Objects.requireNonNull(real, "real"), Kind.SEND);
  }

  /** The channel as the flow shall see it, in both directions. */
  public Channel channel(Channel real) {
    return new FaultyChannel(inbound(real), outbound(real));
  }

  // == what has happened ==

  /** Everything that has happened, in the order in which it began. */
  public List<Interaction> interactions() {
    synchronized (interactions) {
      return List.copyOf(interactions);
    }
  }

  /**
   * The interaction that is broken.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>the interaction, when it begins; at once if it has
   *   <dt>Backpressure
   *   <dd>not applicable to one element
   *   <dt>Completes/Errors
   *   <dd>completes with the interaction; never, if it does not come to it
   *   <dt>Cancel
   *   <dd>only stops waiting
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on the thread of the interaction
   * </dl>
   */
  public Mono<Interaction> struck() {
    return struck.asMono();
  }

  /** Whether the process has been killed. */
  public boolean isDead() {
    return dead;
  }

  /** The process dies now. */
  public void kill() {
    dead = true;
  }

  /**
   * Cancels what a dead process was subscribed to and releases what it held. To be called when
   * somebody else owns the messages, so that it has no effect on them: it gives back memory and
   * connections, and keeps the dead deliveries from counting as leaked; also those that a thread of
   * the channel still brings. May be called again.
   *
   * @throws IllegalStateException if the process is alive
   */
  public void bury() {
    if (!dead) {
      throw new IllegalStateException("alive (expected: killed)");
    }
    buried = true;
    release();
  }

  private void release() {
    for (Runnable remain; (remain = remains.poll()) != null; ) {
      remain.run();
    }
  }

  // == for what is between ==

  /** Numbers an interaction; the fault if this is the one. */
  @Nullable Fault begin(Kind kind) {
    Interaction interaction;
    boolean strikes;
    synchronized (interactions) {
      interaction = new Interaction(kind, numbers.merge(kind, 1, Integer::sum));
      interactions.add(interaction);
      strikes = interaction.equals(target) || interactions.size() == targetIndex;
    }
    if (!strikes) {
      return null;
    }
    broken = interaction;
    if (fault == Fault.KILL_BEFORE) {
      kill(); // whoever hears of the strike finds the process dead
    }
    struck.tryEmitValue(interaction);
    return fault;
  }

  /** What a sequence ends with, once begin has given a fault. */
  InjectedFailure failure() {
    return new InjectedFailure(Objects.requireNonNull(broken, "broken"), fault);
  }

  void remains(Runnable remain) {
    remains.add(remain);
    if (buried) {
      release();
    }
  }

  /**
   * Subscribes for one answer, with whatever is to go wrong.
   *
   * @param failure makes the error; told whether it is certain that there was no effect
   */
  <A> Mono<A> ask(Kind kind, Mono<A> real, Function<Boolean, ? extends Throwable> failure) {
    return Mono.defer(
        () -> {
          if (dead) {
            return Mono.never();
          }
          Fault strikes = begin(kind);
          if (strikes == null) {
            return unlessDead(real);
          }
          return switch (strikes) {
            case FAIL_BEFORE -> Mono.error(failure.apply(true));
            case FAIL_AFTER -> real.then(Mono.error(() -> failure.apply(false)));
            case KILL_BEFORE -> Mono.never();
            case KILL_AFTER -> real.then(Mono.<A>fromRunnable(this::kill)).then(Mono.never());
            case NO_ANSWER -> real.then(Mono.never());
          };
        });
  }

  /** The answer, if there is still somebody to hear it. */
  private <A> Mono<A> unlessDead(Mono<A> real) {
    return real.materialize()
        .flatMap(signal -> dead ? Mono.never() : Mono.just(signal))
        .dematerialize();
  }
}
