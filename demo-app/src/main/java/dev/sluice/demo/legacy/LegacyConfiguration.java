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
package dev.sluice.demo.legacy;

import dev.sluice.bridge.Bridge;
import dev.sluice.bridge.BridgeSpec;
import dev.sluice.channel.Outbound;
import dev.sluice.codec.BytesCodec;
import dev.sluice.codec.JacksonCodec;
import dev.sluice.codec.PayloadCodec;
import dev.sluice.demo.backends.Broker;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.legacy.TransferBag.Status;
import dev.sluice.flow.Flow;
import dev.sluice.flow.RunnableFlow;
import dev.sluice.kafka.KafkaChannel;
import dev.sluice.kafka.KafkaOutbound;
import dev.sluice.postgres.PostgresChannel;
import dev.sluice.postgres.PostgresDatabase;
import dev.sluice.spring.KafkaChannels;
import java.time.Duration;
import java.util.List;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import reactor.core.publisher.Flux;

/**
 * The legacy system announces bags on a topic; a bridge brings them to a queue of the airport,
 * which sorts them and answers on another queue; a bridge brings the answers to the other topic of
 * the legacy system. That repeats whatever it hears on the first topic, as such systems do, and the
 * loop guard keeps it from coming round.
 */
@Configuration(proxyBeanMethods = false)
class LegacyConfiguration {

  private static final int PARTITIONS = 2;
  private static final PayloadCodec<TransferBag> JSON = JacksonCodec.json(TransferBag.class);

  @Bean
  KafkaChannel bsmOut(KafkaChannels kafka, Broker broker) {
    return kafka.channel(broker.ensure("legacy.bsm-out", PARTITIONS), c -> c.group("bridge"));
  }

  @Bean
  KafkaChannel bsmIn(KafkaChannels kafka, Broker broker) {
    return kafka.channel(broker.ensure("legacy.bsm-in", PARTITIONS), c -> c.group("legacy-host"));
  }

  @Bean
  PostgresChannel transfersIn(PostgresDatabase database) {
    return PostgresChannel.create(database, "transfers.in");
  }

  @Bean
  PostgresChannel transfersOut(PostgresDatabase database) {
    return PostgresChannel.create(database, "transfers.out");
  }

  /** Apart from those of bags that were checked in, which are counted. */
  @Bean
  KafkaOutbound legacyDeadLetters(KafkaChannels kafka, Broker broker) {
    return kafka.outbound(broker.ensure("legacy.dead-letters", 1));
  }

  @Bean
  LegacyHost legacyHost(KafkaChannel bsmOut, Departures departures) {
    return new LegacyHost(bsmOut, departures);
  }

  @Bean
  Wire wireToAirport(PostgresChannel transfersIn) {
    return new Wire(transfersIn);
  }

  @Bean
  Wire wireToLegacy(KafkaChannel bsmIn) {
    return new Wire(bsmIn);
  }

  @Bean
  Bridge bridgeToAirport(KafkaChannel bsmOut, Wire wireToAirport, KafkaOutbound legacyDeadLetters) {
    return Bridge.between(
        "legacy-to-airport",
        bsmOut,
        wireToAirport,
        b ->
            options(b, legacyDeadLetters)
                .sides("legacy", "airport")
                .translate(BsmCodec.INSTANCE, bag -> bag, JSON));
  }

  @Bean
  Bridge bridgeToLegacy(
      PostgresChannel transfersOut, Wire wireToLegacy, KafkaOutbound legacyDeadLetters) {
    return Bridge.between(
        "airport-to-legacy",
        transfersOut,
        wireToLegacy,
        b ->
            options(b, legacyDeadLetters)
                .sides("airport", "legacy")
                .translate(JSON, bag -> bag, BsmCodec.INSTANCE));
  }

  private static BridgeSpec options(BridgeSpec spec, Outbound<byte[]> deadLetters) {
    return spec.probe(Duration.ofMillis(500), Duration.ofSeconds(5))
        .flow(flow -> flow.deadLetter(deadLetters));
  }

  @Bean
  RunnableFlow flowToAirport(Bridge bridgeToAirport) {
    return bridgeToAirport.flow();
  }

  @Bean
  RunnableFlow flowToLegacy(Bridge bridgeToLegacy) {
    return bridgeToLegacy.flow();
  }

  /** The answer is a message of the airport's own, so it may cross. */
  @Bean
  RunnableFlow transferSorting(
      PostgresChannel transfersIn, PostgresChannel transfersOut, KafkaOutbound legacyDeadLetters) {
    return Flow.from(transfersIn)
        .named("transfer-sorting")
        .deadLetter(legacyDeadLetters)
        .decode(JSON)
        .splitMessages(
            message ->
                Flux.just(
                    message.child("sorted", sorted(message.payload())).withType("bag.sorted")))
        .to(Outbound.encoding(JSON, transfersOut));
  }

  private static TransferBag sorted(TransferBag bag) {
    return new TransferBag(bag.tag(), bag.flight(), Status.SORTED);
  }

  @Bean
  RunnableFlow legacyEars(
      KafkaChannel bsmIn, KafkaChannel bsmOut, LegacyHost host, KafkaOutbound legacyDeadLetters) {
    return Flow.from(bsmIn)
        .named("legacy-host")
        .deadLetter(legacyDeadLetters)
        .decode(BytesCodec.bytes())
        .map(host::hear)
        .to(bsmOut);
  }

  @Bean
  LegacyLink legacyLink(
      Bridge bridgeToAirport,
      Bridge bridgeToLegacy,
      Wire wireToAirport,
      Wire wireToLegacy,
      LegacyHost host) {
    return new LegacyLink(
        new Bridge.Pair(bridgeToAirport, bridgeToLegacy),
        List.of(wireToAirport, wireToLegacy),
        host);
  }
}
