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
package dev.sluice.demo.loading;

import dev.sluice.channel.Outbound;
import dev.sluice.codec.JacksonCodec;
import dev.sluice.convoy.GroupVerdict;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.demo.AirportProperties;
import dev.sluice.demo.Topics;
import dev.sluice.demo.backends.Broker;
import dev.sluice.demo.bag.Bag;
import dev.sluice.demo.bag.LoadedBag;
import dev.sluice.demo.deadletters.DeadLetterTarget;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.ledger.Ledger;
import dev.sluice.flow.Flow;
import dev.sluice.flow.Otherwise;
import dev.sluice.flow.RunnableFlow;
import dev.sluice.kafka.KafkaChannel;
import dev.sluice.kafka.KafkaOutbound;
import dev.sluice.parking.Parking;
import dev.sluice.parking.ParkingReviewer;
import dev.sluice.postgres.PostgresDatabase;
import dev.sluice.postgres.PostgresParkingLot;
import dev.sluice.spring.Flows;
import dev.sluice.spring.KafkaChannels;
import java.time.Clock;
import java.time.Duration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import reactor.core.scheduler.Schedulers;

/**
 * Loads bags: those of one flight one after the other, in the order of their check-in; flights at
 * the same time. When a bag cannot be loaded, it and those behind it are parked, in their order,
 * until somebody releases the flight; the other flights go on.
 */
@Configuration(proxyBeanMethods = false)
class LoadingConfiguration {

  private static final Duration DELIVERY_TIMEOUT = Duration.ofSeconds(10);
  private static final Duration REVIEW_EVERY = Duration.ofSeconds(30);
  private static final Duration OVERDUE_AFTER = Duration.ofMinutes(30);

  @Bean
  KafkaChannel checkedIn(KafkaChannels kafka, Broker broker, AirportProperties properties) {
    return kafka.channel(
        broker.ensure(Topics.CHECKED_IN, Topics.PARTITIONS),
        channel ->
            channel
                .group(LoadingView.FLOW)
                // After a kill, the next process of the same name takes over at once.
                .instanceId("loading-" + properties.instance())
                .deliveryTimeout(DELIVERY_TIMEOUT));
  }

  @Bean
  KafkaOutbound loaded(KafkaChannels kafka, Broker broker) {
    return kafka.outbound(
        broker.ensure(Topics.LOADED, Topics.PARTITIONS),
        topic -> topic.deliveryTimeout(DELIVERY_TIMEOUT));
  }

  @Bean
  PostgresParkingLot parkingLot(PostgresDatabase database) {
    return PostgresParkingLot.create(database);
  }

  @Bean(destroyMethod = "dispose")
  ParkingReviewer parkingReviewer(PostgresParkingLot lot) {
    return Parking.reviewer(
        lot, LoadingView.FLOW, REVIEW_EVERY, OVERDUE_AFTER, Schedulers.parallel());
  }

  @Bean
  ParkedFlights parkedFlights(PostgresParkingLot lot, Ledger ledger) {
    return new ParkedFlights(lot, ledger);
  }

  @Bean
  Jams jams() {
    return new Jams();
  }

  @Bean
  LoadingWork loadingWork(Ledger ledger, Jams jams, AirportProperties properties, Clock clock) {
    return new LoadingWork(
        ledger, jams, properties.shortestLoading(), properties.longestLoading(), clock);
  }

  @Bean
  ConvoyView convoyView() {
    return new ConvoyView();
  }

  @Bean
  RunnableFlow bagLoading(
      KafkaChannel checkedIn,
      KafkaOutbound loaded,
      DeadLetterTarget deadLetters,
      PostgresParkingLot lot,
      Departures departures,
      LoadingWork work,
      ConvoyView view) {
    return Flow.from(checkedIn)
        .named(LoadingView.FLOW)
        .parking(lot)
        .decode(JacksonCodec.json(Bag.class))
        .filter(
            bag -> departures.find(bag.flight(), bag.date()) != null,
            Otherwise.reject(DeadLetterReason.UNROUTABLE))
        .groupedConvoy(
            message -> message.payload().key(),
            work::load,
            convoy ->
                convoy
                    .concurrency(ConvoyView.CONCURRENCY)
                    .lookAhead(ConvoyView.LOOK_AHEAD)
                    .onFailure(failure -> failure.then(GroupVerdict.PARK_GROUP))
                    .listener(view))
        .deadLetter(deadLetters)
        .to(Outbound.encoding(JacksonCodec.json(LoadedBag.class), loaded));
  }

  @Bean
  LoadingView loadingView(Flows flows, ConvoyView convoy, KafkaChannel checkedIn, Broker broker) {
    return new LoadingView(flows, convoy, checkedIn, broker.bootstrap());
  }
}
