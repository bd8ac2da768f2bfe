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
import dev.sluice.channel.Capability;
import dev.sluice.channel.Channel;
import java.time.Clock;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * What the contract has to know of a channel that it cannot learn through the SPI: how one is made,
 * how its process dies, how it loses its messages to another owner, and how time passes. Each test
 * has a rig of its own, used by one thread.
 */
@Experimental
public interface ChannelRig extends AutoCloseable {

  /**
   * What the channel can do, as {@link dev.sluice.channel.ChannelInfo#capabilities()} must say too.
   * Tests of what is missing here are skipped, and say so.
   */
  Set<Capability> capabilities();

  /** A new channel without messages, which has nothing in common with those made before. */
  Channel create();

  /**
   * The death of the process that uses the channel: nothing that is only in its memory survives,
   * and nobody is told. Called when all consumers of the channel have fallen silent; their
   * subscriptions are cancelled right afterwards, which must have no effect on messages either.
   *
   * @param channel one that was made here, and is not used any more unless it is returned again
   * @return the channel with the messages that are left, as a new process would open it. What was
   *     out comes again, without anybody waiting for longer than {@link #patience()}
   */
  Channel restart(Channel channel);

  /**
   * Takes every undecided delivery of the channel away from its consumer, as the end of a lease or
   * the expulsion from a group does. The consumers stay subscribed.
   */
  void loseOwnership(Channel channel);

  /**
   * Lets time pass. By default the thread waits; a channel on virtual time moves that forward.
   *
   * @param time zero or more
   */
  default void pass(Duration time) {
    long end = System.nanoTime() + time.toNanos();
    for (long left; (left = end - System.nanoTime()) > 0; ) {
      LockSupport.parkNanos(left);
    }
  }

  /** The clock that goes with {@link #pass}. By default the system's, in UTC. */
  default Clock clock() {
    return Clock.systemUTC();
  }

  /**
   * After how much time without a delivery there is none to come. What a channel does too much is
   * found only within this time; a channel that is right passes however short it is. By default 250
   * ms.
   */
  default Duration quiet() {
    return Duration.ofMillis(250);
  }

  /** How long to wait for what must happen, before the test fails. By default 30 s. */
  default Duration patience() {
    return Duration.ofSeconds(30);
  }

  /** Frees what the rig has made. Called once, after the consumers have been cancelled. */
  @Override
  default void close() {}

  /**
   * Lets time pass until it is so.
   *
   * @param what it is that must become so, for the message
   * @throws AssertionError if it is not so after {@link #patience()}
   */
  default void await(String what, BooleanSupplier condition) {
    await(() -> what, condition);
  }

  /**
   * Lets time pass until it is so.
   *
   * @param what it is that must become so, for the message; asked when it is not
   * @throws AssertionError if it is not so after {@link #patience()}
   */
  default void await(Supplier<String> what, BooleanSupplier condition) {
    Duration step = Duration.ofMillis(2);
    long steps = patience().dividedBy(step);
    for (long i = 0; i < steps; i++) {
      if (condition.getAsBoolean()) {
        return;
      }
      pass(step);
    }
    if (!condition.getAsBoolean()) {
      throw new AssertionError("not within " + patience() + ": " + what.get());
    }
  }
}
