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
package dev.sluice.kafka;

import dev.sluice.channel.Capability;
import dev.sluice.channel.Channel;
import dev.sluice.contract.ChannelRig;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import reactor.core.publisher.Mono;

/** Topics of their own on the broker that all tests of this JVM share. */
final class KafkaRig implements ChannelRig {

  private static final int PARTITIONS = 3;
  private static final Admin ADMIN = Admin.create(Map.of("bootstrap.servers", Broker.servers()));

  static {
    Runtime.getRuntime().addShutdownHook(new Thread(ADMIN::close));
  }

  private final List<KafkaChannel> channels = new ArrayList<>();

  // #region rig
  @Override
  public Set<Capability> capabilities() {
    return Set.of(Capability.ORDERED_GROUPS, Capability.DEPTH);
  }

  @Override
  public Channel create() {
    return open(Broker.newTopic(PARTITIONS));
  }

  /** The group forgets its members, so that no commit of theirs is taken any more. */
  @Override
  public Channel restart(Channel channel) {
    expelMembers(channel.name());
    return open(channel.name());
  }

  @Override
  public void loseOwnership(Channel channel) {
    expelMembers(channel.name());
  }

  private Channel open(String topic) {
    KafkaChannel channel =
        Broker.channel(
            topic,
            spec ->
                spec.revokeDrain(Duration.ofMillis(200))
                    .closeTimeout(Duration.ofSeconds(2))
                    .property("heartbeat.interval.ms", 100));
    channels.add(channel);
    return channel;
  }

  // #endregion

  private static void expelMembers(String topic) {
    try {
      ADMIN
          .removeMembersFromConsumerGroup(
              topic + "-group", new RemoveMembersFromConsumerGroupOptions())
          .all()
          .get();
    } catch (ExecutionException e) {
      // Admin's words for a group that has no members, or does not exist
      Throwable cause = e.getCause();
      if (!(cause instanceof IllegalArgumentException)
          && !(cause.getCause() instanceof GroupIdNotFoundException)) {
        throw new IllegalStateException(e);
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    Mono.when(channels.stream().map(KafkaChannel::close).toList()).block(patience());
  }
}
