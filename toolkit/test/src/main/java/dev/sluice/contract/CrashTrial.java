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

import dev.sluice.channel.Capability;
import dev.sluice.channel.Channel;
import dev.sluice.channel.ChannelInfo;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import dev.sluice.test.FaultInjector;
import dev.sluice.test.FaultInjector.Interaction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A flow over six messages that is disturbed once, and run again until it has done its work. What
 * it has done is kept by the target and the letters, which survive everything.
 */
final class CrashTrial {

  /** Bodies that begin so are rejected by the worker. */
  private static final String POISON = "poison";

  private static final List<String> BODIES = List.of("a 0", "b 0", "a 1", "b poison", "a 2", "b 2");

  /** Something that cannot be undone: a message has arrived at the target or the letters. */
  private record Effect(int life, String body, boolean letter) {}

  private final ChannelRig rig;
  private final CrashContract contract;
  private final FaultInjector injector;
  private final @Nullable Interaction unanswered;
  private final boolean ordered;
  private final Queue<Effect> effects = new ConcurrentLinkedQueue<>();
  private final Set<String> delivered = ConcurrentHashMap.newKeySet();
  private final Set<String> durable = ConcurrentHashMap.newKeySet();
  private final Queue<String> violations = new ConcurrentLinkedQueue<>();
  private volatile int life = 1;

  /**
   * @param unanswered what never gets its answer, if that is the disturbance
   * @param ordered whether the order must be kept all the same
   */
  CrashTrial(
      ChannelRig rig,
      CrashContract contract,
      FaultInjector injector,
      @Nullable Interaction unanswered,
      boolean ordered) {
    this.rig = rig;
    this.contract = contract;
    this.injector = injector;
    this.unanswered = unanswered;
    this.ordered = ordered;
  }

  /** Runs, and checks whatever can be checked; returns how many effects there were too many. */
  int run() {
    Channel channel = rig.create();
    sendTo(channel);
    FlowHandle first = start(channel, injector);
    awaitEndOfFirst(first);
    int open = delivered.size() - durable.size();
    if (injector.isDead()) {
      channel = rig.restart(channel);
      injector.bury();
    }
    // what was on its way when a life was stopped is back afterwards
    for (int next = 2; !isDone() && (next == 2 || !isEmpty(channel)); next++) {
      liveAgain(channel, next);
    }
    return check(channel, open);
  }

  /** A life without disturbance, until nothing seems to be left. */
  private void liveAgain(Channel channel, int next) {
    life = next;
    FlowHandle flow = start(channel, FaultInjector.none());
    rig.await(
        () -> "life " + next + " to do the rest; " + this,
        () -> isDone() || (hasEveryEffect() && isEmpty(channel)));
    stop(flow, () -> false);
  }

  private void sendTo(Channel channel) {
    for (String body : BODIES) {
      Message<byte[]> message =
          Message.of(body.getBytes(StandardCharsets.UTF_8)).withGroup(body.substring(0, 1));
      Watched<Receipt> sent = Watched.of(channel.send(message));
      rig.await("the receipt of " + body, sent::isOver);
      sent.hasCompleted();
    }
  }

  private FlowHandle start(Channel channel, FaultInjector injector) {
    return contract.start(
        injector.inbound(new Tap(channel)),
        this::work,
        injector.outbound(new Place("target", false)),
        new Place("letters", true));
  }

  private Mono<byte[]> work(byte[] body) {
    return new String(body, StandardCharsets.UTF_8).contains(POISON)
        ? Mono.error(new IllegalArgumentException(POISON))
        : Mono.just(body);
  }

  /** Done, failed, dead, or waiting for an answer that never comes: then it is killed. */
  private void awaitEndOfFirst(FlowHandle handle) {
    AtomicInteger progress = new AtomicInteger();
    AtomicLong since = new AtomicLong(rig.clock().millis());
    rig.await(
        () -> "the first life to end; " + this,
        () -> {
          int now = injector.interactions().size() + effects.size() + durable.size();
          long time = rig.clock().millis();
          if (progress.getAndSet(now) != now) {
            since.set(time);
          } else if (isHanging() && time - since.get() > 2 * rig.quiet().toMillis()) {
            injector.kill();
          }
          return isDone() || injector.isDead() || hasFailed(handle);
        });
    if (isDone() && !injector.isDead() && !hasFailed(handle)) {
      stop(handle, injector::isDead); // the last interactions may come now
    }
  }

  /** Not before it was disturbed: the time of a rig may pass while its threads wait for theirs. */
  private boolean isHanging() {
    return unanswered != null && injector.interactions().contains(unanswered);
  }

  private static boolean hasFailed(FlowHandle handle) {
    return handle.stats().state() == FlowHandle.State.FAILED;
  }

  /** Every effect is there; what is about to be settled gets the time for it. */
  private void stop(FlowHandle handle, BooleanSupplier dead) {
    Watched<Void> stopped = Watched.of(handle.stop(rig.patience()));
    rig.await(() -> "the end of the flow; " + this, () -> stopped.isOver() || dead.getAsBoolean());
  }

  private boolean isDone() {
    return durable.size() == BODIES.size();
  }

  private boolean hasEveryEffect() {
    return effects.stream().map(Effect::body).distinct().count() == BODIES.size();
  }

  /** A commit may have reached the broker although nobody was left to hear of it. */
  private boolean isEmpty(Channel channel) {
    if (!rig.capabilities().contains(Capability.DEPTH)) {
      return false;
    }
    Watched<Long> depth = Watched.of(channel.depth());
    rig.await("the depth", depth::isOver);
    return Objects.equals(depth.value(), 0L);
  }

  // == what must be so ==

  private int check(Channel channel, int open) {
    assertThat(violations).as("violations; %s", this).isEmpty();
    Map<String, Integer> times = new LinkedHashMap<>();
    for (Effect effect : effects) {
      assertThat(effect.letter()).as("%s", effect).isEqualTo(effect.body().contains(POISON));
      times.merge(effect.body(), 1, Integer::sum);
    }
    assertThat(times.keySet()).as("effects; %s", this).containsExactlyInAnyOrderElementsOf(BODIES);
    if (ordered) {
      assertOrder();
    }
    int duplicates = effects.size() - BODIES.size();
    assertThat(duplicates)
        .as("effects that there are twice; %s delivered and not durable; %s", open, this)
        .isLessThanOrEqualTo(Math.max(contract.repeatedTogether(), open));
    if (rig.capabilities().contains(Capability.DEPTH)) {
      assertThat(isEmpty(channel)).as("that nothing is left; %s", this).isTrue();
    }
    return duplicates;
  }

  /** In each life a group moves forward, and nothing happens before its predecessor did. */
  private void assertOrder() {
    Map<String, List<String>> expected = new HashMap<>();
    BODIES.forEach(
        body -> expected.computeIfAbsent(body.substring(0, 1), g -> new ArrayList<>()).add(body));
    expected.forEach(
        (group, bodies) -> {
          Set<String> seen = new HashSet<>();
          int last = -1;
          int lastLife = 1;
          for (Effect effect : effects) {
            if (!effect.body().startsWith(group)) {
              continue;
            }
            int number = bodies.indexOf(effect.body());
            if (effect.life() != lastLife) {
              last = -1;
              lastLife = effect.life();
            }
            assertThat(number).as("%s; %s", effect, this).isGreaterThanOrEqualTo(last);
            assertThat(seen)
                .as("before %s; %s", effect, this)
                .containsAll(bodies.subList(0, number));
            seen.add(effect.body());
            last = number;
          }
        });
  }

  @Override
  public String toString() {
    return "effects " + effects + ", durable " + durable + ", violations " + violations;
  }

  // == the world ==

  /** Takes what it gets, for ever. */
  private final class Place implements Outbound<byte[]> {

    private final String name;
    private final boolean letters;

    Place(String name, boolean letters) {
      this.name = name;
      this.letters = letters;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public Mono<Receipt> send(Message<byte[]> message) {
      return Mono.fromSupplier(
          () -> {
            String body = new String(message.payload(), StandardCharsets.UTF_8);
            effects.add(new Effect(life, body, letters));
            return new Receipt(name, message.id(), Integer.toString(effects.size()));
          });
    }
  }

  /** Listens at the channel itself, where no injector can deceive. */
  private final class Tap implements Inbound {

    private final Inbound real;

    Tap(Inbound real) {
      this.real = real;
    }

    @Override
    public Flux<Delivery<byte[]>> receive(ReceiveOptions options) {
      return real.receive(options).doOnNext(this::listen);
    }

    private void listen(Delivery<byte[]> delivery) {
      String body = Taker.body(delivery);
      delivered.add(body);
      if (durable.contains(body)) {
        violations.add(body + " was delivered although its consumption was durable");
      }
      delivery
          .settlement()
          .durable()
          .subscribe(v -> {}, stale -> {}, () -> consumed(body, delivery.settlement().outcome()));
    }

    private void consumed(String body, @Nullable Outcome outcome) {
      if (outcome instanceof Outcome.Ack || outcome instanceof Outcome.Reject) {
        if (effects.stream().noneMatch(effect -> effect.body().equals(body))) {
          violations.add(body + " was consumed before it had its effect");
        }
        durable.add(body);
      }
    }

    @Override
    public Mono<Long> depth() {
      return real.depth();
    }

    @Override
    public ChannelInfo info() {
      return Objects.requireNonNull(real.info());
    }
  }
}
