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
package dev.sluice.memory;

import dev.sluice.channel.Capability;
import dev.sluice.channel.Channel;
import dev.sluice.contract.ChannelRig;
import java.time.Clock;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** Memory channels on real threads, in time that runs faster. */
final class MemoryRig implements ChannelRig {

  private final HurriedScheduler scheduler = new HurriedScheduler();
  private final AtomicInteger channels = new AtomicInteger();

  @Override
  public Set<Capability> capabilities() {
    return Set.of(
        Capability.ORDERED_GROUPS,
        Capability.EXCLUSIVE_GROUPS,
        Capability.PRIORITY,
        Capability.DELAY,
        Capability.EXPIRY,
        Capability.LEASES,
        Capability.DEPTH,
        Capability.BROWSE,
        Capability.REDELIVERY_COUNT);
  }

  @Override
  public Channel create() {
    return MemoryChannel.create(
        "channel-" + channels.incrementAndGet(),
        spec -> spec.scheduler(scheduler).maxLease(Duration.ofDays(1)));
  }

  @Override
  public Channel restart(Channel channel) {
    ((MemoryChannel) channel).crashConsumers();
    return channel;
  }

  @Override
  public void loseOwnership(Channel channel) {
    ((MemoryChannel) channel).expireLeases();
  }

  @Override
  public void pass(Duration time) {
    long end = System.nanoTime() + HurriedScheduler.real(time).toNanos();
    for (long left; (left = end - System.nanoTime()) > 0; ) {
      LockSupport.parkNanos(left);
    }
  }

  @Override
  public Clock clock() {
    return scheduler.clock();
  }

  @Override
  public Duration quiet() {
    return Duration.ofMillis(500);
  }

  @Override
  public Duration patience() {
    return Duration.ofMinutes(5);
  }
}
