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
package dev.sluice.spring;

import dev.sluice.kafka.KafkaChannel;
import dev.sluice.kafka.KafkaChannelSpec;
import dev.sluice.kafka.KafkaOutbound;
import dev.sluice.kafka.KafkaOutboundSpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.springframework.beans.factory.DisposableBean;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Makes channels on the Kafka of {@code sluice.kafka}, and closes them after the flows have been
 * drained.
 *
 * <pre>{@code
 * @Bean
 * KafkaChannel orders(KafkaChannels kafka) {
 *   return kafka.channel("orders");
 * }
 * }</pre>
 */
public final class KafkaChannels implements DisposableBean {

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final SluiceProperties.Kafka properties;
  private final String application;
  private final List<Supplier<Mono<Void>>> closing = new ArrayList<>();

  KafkaChannels(SluiceProperties.Kafka properties, String application) {
    this.properties = properties;
    this.application = application;
  }

  /** A channel on a topic, for the consumer group of {@code sluice.kafka.group}. */
  public KafkaChannel channel(String topic) {
    return channel(topic, spec -> spec);
  }

  /**
   * A channel on a topic.
   *
   * @param spec changes what {@code sluice.kafka} says
   */
  public KafkaChannel channel(String topic, UnaryOperator<KafkaChannelSpec> spec) {
    String group = properties.group();
    KafkaChannel channel =
        KafkaChannel.create(
            defaults -> {
              KafkaChannelSpec own =
                  defaults
                      .bootstrapServers(servers())
                      .topic(topic)
                      .group(group == null ? application : group);
              for (var property : properties.properties().entrySet()) {
                own = own.property(property.getKey(), property.getValue());
              }
              return spec.apply(own);
            });
    synchronized (closing) {
      closing.add(channel::close);
    }
    return channel;
  }

  /** What sends to a topic. */
  public KafkaOutbound outbound(String topic) {
    return outbound(topic, spec -> spec);
  }

  /**
   * What sends to a topic.
   *
   * @param spec changes what {@code sluice.kafka} says
   */
  public KafkaOutbound outbound(String topic, UnaryOperator<KafkaOutboundSpec> spec) {
    KafkaOutbound outbound =
        KafkaOutbound.create(
            defaults -> {
              KafkaOutboundSpec own = defaults.bootstrapServers(servers()).topic(topic);
              for (var property : properties.properties().entrySet()) {
                own = own.property(property.getKey(), property.getValue());
              }
              return spec.apply(own);
            });
    synchronized (closing) {
      closing.add(outbound::close);
    }
    return outbound;
  }

  private String servers() {
    return Objects.requireNonNull(properties.bootstrapServers(), "sluice.kafka.bootstrap-servers");
  }

  @Override
  public void destroy() {
    List<Supplier<Mono<Void>>> open;
    synchronized (closing) {
      open = List.copyOf(closing);
      closing.clear();
    }
    Flux.fromIterable(open).flatMap(Supplier::get).onErrorComplete().blockLast(PATIENCE);
  }
}
