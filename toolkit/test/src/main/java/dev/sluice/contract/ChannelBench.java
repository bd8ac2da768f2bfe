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
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.channel.Capability;
import dev.sluice.channel.Channel;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Settlement;
import dev.sluice.delivery.StaleDelivery;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * What the tests of a channel are made of: the channel, its consumers, and ways to look at them.
 */
abstract class ChannelBench {

  ChannelRig rig;
  Channel channel;
  private final List<Taker> takers = new ArrayList<>();

  /** A new rig, for one test. */
  protected abstract ChannelRig rig();

  @BeforeEach
  void open() {
    rig = rig();
    channel = rig.create();
  }

  @AfterEach
  void close() {
    takers.forEach(Taker::cancel);
    takers.forEach(Taker::letGo);
    rig.close();
  }

  boolean can(Capability capability) {
    return rig.capabilities().contains(capability);
  }

  void needs(Capability capability) {
    assumeTrue(can(capability), () -> channel.name() + " lacks " + capability);
  }

  /**
   * The process dies: its consumers fall silent, the channel is opened anew, their sockets close.
   */
  void crash() {
    List<Taker> dead = List.copyOf(takers);
    dead.forEach(Taker::silence);
    channel = rig.restart(channel);
    dead.forEach(Taker::cancel);
  }

  ReceiveOptions options() {
    return ReceiveOptions.defaults().clock(rig.clock());
  }

  /** A consumer that asks for everything and decides nothing. */
  Taker take() {
    return take(options());
  }

  Taker take(ReceiveOptions options) {
    return without(options).unbounded();
  }

  Taker taking(ReceiveOptions options, BiConsumer<Taker, Delivery<byte[]>> handler) {
    return without(options, handler).unbounded();
  }

  /** A consumer without demand. */
  Taker without(ReceiveOptions options) {
    return without(options, (self, delivery) -> {});
  }

  Taker without(ReceiveOptions options, BiConsumer<Taker, Delivery<byte[]>> handler) {
    return taker(channel, options, handler);
  }

  Taker taker(Channel of, ReceiveOptions options, BiConsumer<Taker, Delivery<byte[]>> handler) {
    Taker taker = Taker.of(of.receive(options), rig, handler);
    takers.add(taker);
    return taker;
  }

  /** Time in which what must not happen would have happened. */
  void waitAWhile() {
    rig.pass(rig.quiet());
  }

  int deliveries() {
    return takers.stream().mapToInt(taker -> taker.taken().size()).sum();
  }

  void send(String group, String... bodies) {
    for (String body : bodies) {
      get(channel.send(message(body).withGroup(group)));
    }
  }

  /** Sends messages without a group. */
  void spread(String... bodies) {
    for (String body : bodies) {
      get(channel.send(message(body)));
    }
  }

  void spread(int n) {
    Flux<Message<byte[]>> messages = Flux.range(0, n).map(i -> message("" + i));
    assertThat(get(channel.sendAll(messages).count())).isEqualTo(n);
  }

  static Message<byte[]> message(String body) {
    return Message.of(body.getBytes(StandardCharsets.UTF_8));
  }

  <T> T get(Mono<T> mono) {
    Watched<T> answer = Watched.of(mono);
    rig.await("an answer", answer::isOver);
    answer.hasCompleted();
    return Objects.requireNonNull(answer.value(), "the answer");
  }

  void assertDurable(Settlement settlement) {
    Watched<Void> durable = Watched.of(settlement.durable());
    rig.await(settlement + " to be durable", durable::isOver);
    durable.hasCompleted();
  }

  void assertStale(Settlement settlement) {
    Watched<Void> durable = Watched.of(settlement.durable());
    rig.await(settlement + " to be stale", durable::isOver);
    assertThat(durable.error()).isInstanceOf(StaleDelivery.class);
  }

  void awaitLoss(Settlement settlement) {
    rig.await(settlement + " to be lost", settlement::isLost);
  }

  /** A further message of the group is the first to come, so nothing is left before it. */
  void assertNothingLeft(String group) {
    Taker taker = take();
    if (!can(Capability.ORDERED_GROUPS)) {
      taker.nothing();
    }
    send(group, "marker");
    taker.next("marker").settlement().settle(Outcome.ack());
    taker.cancel();
  }

  void assertEmpty() {
    if (can(Capability.DEPTH)) {
      rig.await("depth 0", () -> get(channel.depth()) == 0);
    }
    take().nothing();
  }
}
