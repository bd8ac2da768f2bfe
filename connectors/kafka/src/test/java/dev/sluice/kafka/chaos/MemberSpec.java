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
package dev.sluice.kafka.chaos;

import dev.sluice.kafka.GroupProtocol;
import dev.sluice.kafka.KafkaChannel;
import dev.sluice.kafka.KafkaChannelSpec;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How a member of the group works, in a form that can be handed to another process.
 *
 * @param protocol how the members share the partitions
 * @param instanceId makes it a static member; null for a dynamic one
 * @param sessionTimeout for the classic protocol; otherwise the group's, see {@link Arena}
 * @param drain how long a partition that leaves waits for its work
 * @param lossGrace how long work goes on when its partition has left
 */
record MemberSpec(
    String servers,
    String topic,
    GroupProtocol protocol,
    @Nullable String instanceId,
    Duration sessionTimeout,
    Duration drain,
    Duration lossGrace) {

  /** Everything that is taken from the topic and not done, hence what a member can have out. */
  static final int MAX_UNSETTLED = 256;

  static final int CONCURRENCY = 64;

  /** A dynamic member that drains for 2 s, as far as the group gives it time. */
  static MemberSpec of(String servers, String topic, GroupProtocol protocol) {
    return new MemberSpec(
        servers,
        topic,
        protocol,
        null,
        Duration.ofSeconds(6),
        Duration.ofSeconds(2),
        Duration.ofSeconds(5));
  }

  String group() {
    return topic + "-group";
  }

  MemberSpec staticMember(String instanceId) {
    return new MemberSpec(servers, topic, protocol, instanceId, sessionTimeout, drain, lossGrace);
  }

  MemberSpec sessionTimeout(Duration timeout) {
    return new MemberSpec(servers, topic, protocol, instanceId, timeout, drain, lossGrace);
  }

  MemberSpec drain(Duration drain) {
    return new MemberSpec(servers, topic, protocol, instanceId, sessionTimeout, drain, lossGrace);
  }

  /** Nothing is waited for: work is cancelled the moment its partition leaves. */
  MemberSpec drainless() {
    return new MemberSpec(
        servers, topic, protocol, instanceId, sessionTimeout, Duration.ZERO, Duration.ZERO);
  }

  MemberSpec lossGrace(Duration grace) {
    return new MemberSpec(servers, topic, protocol, instanceId, sessionTimeout, drain, grace);
  }

  KafkaChannel channel() {
    return KafkaChannel.create(this::apply);
  }

  private KafkaChannelSpec apply(KafkaChannelSpec spec) {
    KafkaChannelSpec applied =
        spec.bootstrapServers(servers)
            .topic(topic)
            .group(group())
            .groupProtocol(protocol)
            .revokeDrain(drain)
            .commitInterval(Duration.ofMillis(200));
    if (protocol == GroupProtocol.CLASSIC) {
      applied = applied.sessionTimeout(sessionTimeout);
    }
    return instanceId == null ? applied : applied.instanceId(instanceId);
  }

  // == to another process ==

  List<String> arguments(Path ledger) {
    return List.of(
        "servers=" + servers,
        "topic=" + topic,
        "protocol=" + protocol,
        "instanceId=" + (instanceId == null ? "" : instanceId),
        "sessionTimeout=" + sessionTimeout,
        "drain=" + drain,
        "lossGrace=" + lossGrace,
        "ledger=" + ledger);
  }

  static MemberSpec of(String[] arguments) {
    Map<String, String> values = values(arguments);
    String instanceId = values.get("instanceId");
    return new MemberSpec(
        values.get("servers"),
        values.get("topic"),
        GroupProtocol.valueOf(values.get("protocol")),
        instanceId.isEmpty() ? null : instanceId,
        Duration.parse(values.get("sessionTimeout")),
        Duration.parse(values.get("drain")),
        Duration.parse(values.get("lossGrace")));
  }

  static Path ledger(String[] arguments) {
    return Path.of(values(arguments).get("ledger"));
  }

  private static Map<String, String> values(String[] arguments) {
    Map<String, String> values = new HashMap<>();
    for (String argument : arguments) {
      int at = argument.indexOf('=');
      values.put(argument.substring(0, at), argument.substring(at + 1));
    }
    return values;
  }
}
