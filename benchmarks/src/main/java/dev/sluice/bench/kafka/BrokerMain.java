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
package dev.sluice.bench.kafka;

import dev.sluice.embedded.EmbeddedKafka;
import java.io.IOException;
import java.util.Map;

/**
 * A broker in a process of its own: creates the topics it is told, {@code name:partitions}, prints
 * its address, and ends with its standard input.
 */
final class BrokerMain {

  private BrokerMain() {}

  public static void main(String[] arguments) throws IOException {
    try (EmbeddedKafka kafka = EmbeddedKafka.create().start()) {
      for (String topic : arguments) {
        int at = topic.indexOf(':');
        kafka.createTopic(
            topic.substring(0, at),
            Integer.parseInt(topic.substring(at + 1)),
            Map.of("segment.bytes", "268435456"));
      }
      System.out.println(kafka.bootstrapServers());
      while (System.in.read() >= 0) {
        // nobody writes
      }
    }
    System.exit(0);
  }
}
