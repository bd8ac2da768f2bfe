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
package dev.sluice.embedded;

import java.nio.file.Path;
import java.util.Properties;

/** The configuration of one small, quickly restarting KRaft node. */
final class BrokerConfig {

  private static final String HOST = "127.0.0.1";
  private static final int MIB = 1024 * 1024;

  private final Path directory;
  private final Properties properties;

  private BrokerConfig(Path directory, Properties properties) {
    this.directory = directory;
    this.properties = properties;
  }

  static BrokerConfig of(Path directory, int port, int controllerPort) {
    Properties p = new Properties();
    // One node in both roles. The controller's port is nobody else's business and changes per
    // start.
    p.setProperty("process.roles", "broker,controller");
    p.setProperty("node.id", "1");
    p.setProperty("controller.quorum.voters", "1@" + HOST + ":" + controllerPort);
    p.setProperty("controller.listener.names", "CONTROLLER");
    p.setProperty(
        "listeners",
        "PLAINTEXT://" + HOST + ":" + port + ",CONTROLLER://" + HOST + ":" + controllerPort);
    p.setProperty("advertised.listeners", "PLAINTEXT://" + HOST + ":" + port);
    p.setProperty("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
    p.setProperty("log.dirs", directory.resolve("data").toString());

    // A single replica of everything, internal topics included.
    p.setProperty("offsets.topic.num.partitions", "1");
    p.setProperty("offsets.topic.replication.factor", "1");
    p.setProperty("transaction.state.log.num.partitions", "1");
    p.setProperty("transaction.state.log.replication.factor", "1");
    p.setProperty("transaction.state.log.min.isr", "1");
    p.setProperty("share.coordinator.state.topic.num.partitions", "1");
    p.setProperty("share.coordinator.state.topic.replication.factor", "1");
    p.setProperty("share.coordinator.state.topic.min.isr", "1");
    p.setProperty("auto.create.topics.enable", "false");

    // After a kill the node waits for the session of its former life to end: 9 s by default. Much
    // less, and a busy machine misses heartbeats.
    p.setProperty("broker.session.timeout.ms", "4000");
    p.setProperty("broker.heartbeat.interval.ms", "500");
    p.setProperty("group.initial.rebalance.delay.ms", "0");
    p.setProperty("group.min.session.timeout.ms", "1000");
    // With the newer group protocol (KIP-848) the broker says how often members report.
    p.setProperty("group.consumer.min.heartbeat.interval.ms", "100");
    p.setProperty("group.consumer.heartbeat.interval.ms", "500");
    p.setProperty("group.consumer.min.session.timeout.ms", "1000");
    p.setProperty("group.consumer.session.timeout.ms", "6000");

    // Small: segments and their memory-mapped indexes, threads, the cleaner's buffer.
    p.setProperty("log.segment.bytes", String.valueOf(16 * MIB));
    p.setProperty("log.index.size.max.bytes", String.valueOf(MIB));
    p.setProperty("offsets.topic.segment.bytes", String.valueOf(MIB));
    p.setProperty("metadata.log.segment.bytes", String.valueOf(8 * MIB));
    p.setProperty("log.cleaner.dedupe.buffer.size", String.valueOf(2 * MIB));
    p.setProperty("log.cleaner.backoff.ms", "1000");
    p.setProperty("num.network.threads", "2");
    p.setProperty("num.io.threads", "4");
    p.setProperty("background.threads", "2");
    return new BrokerConfig(directory, p);
  }

  Path directory() {
    return directory;
  }

  Properties properties() {
    return properties;
  }
}
