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

import dev.sluice.channel.Capability;
import dev.sluice.channel.Channel;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

final class LogRig implements ChannelRig {

  private static final AtomicInteger CHANNELS = new AtomicInteger();

  private final Mistake mistake;

  LogRig(Mistake mistake) {
    this.mistake = mistake;
  }

  @Override
  public Set<Capability> capabilities() {
    return LogChannel.CAPABILITIES;
  }

  @Override
  public Channel create() {
    return LogChannel.create("log-" + CHANNELS.incrementAndGet(), mistake);
  }

  @Override
  public Channel restart(Channel channel) {
    return ((LogChannel) channel).restart();
  }

  @Override
  public void loseOwnership(Channel channel) {
    ((LogChannel) channel).expelMembers();
  }

  @Override
  public Duration quiet() {
    return Duration.ofMillis(mistake == Mistake.NONE ? 60 : 200); // enough for a mistake to show
  }

  @Override
  public Duration patience() {
    return Duration.ofSeconds(mistake == Mistake.NONE ? 30 : 3);
  }
}
