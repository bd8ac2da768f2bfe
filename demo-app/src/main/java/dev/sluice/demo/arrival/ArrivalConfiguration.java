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
package dev.sluice.demo.arrival;

import dev.sluice.channel.Channel;
import dev.sluice.channel.Outbound;
import dev.sluice.choreography.Choreography;
import dev.sluice.choreography.Deadlines;
import dev.sluice.deadletter.DeadLettering;
import dev.sluice.flow.Flow;
import dev.sluice.flow.RunnableFlow;
import dev.sluice.postgres.PostgresAggregationStore;
import dev.sluice.postgres.PostgresChannel;
import dev.sluice.postgres.PostgresDatabase;
import dev.sluice.postgres.PostgresDeadLetters;
import dev.sluice.postgres.PostgresExchange;
import dev.sluice.postgres.PostgresIdempotencyStore;
import dev.sluice.postgres.PostgresOutbox;
import dev.sluice.routing.Router;
import dev.sluice.spring.Flows;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/**
 * Puts arrivals together: each participant has a queue of its own in PostgreSQL and deals with an
 * event in one transaction, and a relay puts what follows into the queues of those who act on it.
 */
@Configuration(proxyBeanMethods = false)
class ArrivalConfiguration {

  @Bean
  Duties duties() {
    return new Duties(ArrivalPlan.PARTICIPANTS);
  }

  @Bean
  EventTally eventTally() {
    return new EventTally();
  }

  @Bean
  ArrivalPlan arrivalPlan(Duties duties, ArrivalProperties properties) {
    return new ArrivalPlan(duties, properties.within());
  }

  @Bean
  Choreography arrival(ArrivalPlan plan) {
    return plan.choreography();
  }

  // == a queue for each ==

  @Bean
  PostgresChannel arrivalGates(PostgresDatabase database) {
    return queue(database, ArrivalPlan.GATES);
  }

  @Bean
  PostgresChannel arrivalRamp(PostgresDatabase database) {
    return queue(database, ArrivalPlan.RAMP);
  }

  @Bean
  PostgresChannel arrivalCarousels(PostgresDatabase database) {
    return queue(database, ArrivalPlan.CAROUSELS);
  }

  @Bean
  PostgresChannel arrivalBelt(PostgresDatabase database) {
    return queue(database, ArrivalPlan.BELT);
  }

  @Bean
  PostgresChannel arrivalDesk(PostgresDatabase database) {
    return queue(database, ArrivalPlan.DESK);
  }

  @Bean
  PostgresChannel arrivalDeadlines(PostgresDatabase database) {
    return queue(database, "deadlines");
  }

  private static PostgresChannel queue(PostgresDatabase database, String name) {
    return PostgresChannel.create(database, ArrivalSection.flowOf(name));
  }

  /** Where events go: to those who act on them, and to whoever watches the time. */
  @Bean
  Router<byte[]> arrivalEvents(
      Choreography arrival,
      PostgresChannel arrivalGates,
      PostgresChannel arrivalRamp,
      PostgresChannel arrivalCarousels,
      PostgresChannel arrivalBelt,
      PostgresChannel arrivalDesk,
      PostgresChannel arrivalDeadlines) {
    Map<String, Channel> queues = new LinkedHashMap<>();
    for (Channel queue :
        List.of(arrivalGates, arrivalRamp, arrivalCarousels, arrivalBelt, arrivalDesk)) {
      queues.put(queue.name(), queue);
    }
    Outbound<byte[]> acting =
        arrival.distribution(
            participant ->
                Objects.requireNonNull(queues.get(ArrivalSection.flowOf(participant.name()))));
    return Router.allMatches(
        "arrival events",
        routes ->
            routes
                .whenType("**", acting)
                .whenMessage(
                    event -> ArrivalPlan.WATCHED.contains(event.type()), arrivalDeadlines));
  }

  // == those who take part ==

  @Bean
  PostgresOutbox arrivalOutbox(PostgresDatabase database) {
    return PostgresOutbox.create(database, "arrival");
  }

  @Bean
  RunnableFlow arrivalGatesFlow(
      Choreography arrival,
      PostgresChannel arrivalGates,
      PostgresOutbox arrivalOutbox,
      EventTally tally,
      PostgresDeadLetters deadLetters) {
    return participate(ArrivalPlan.GATES, arrival, arrivalGates, arrivalOutbox, tally, deadLetters);
  }

  @Bean
  RunnableFlow arrivalRampFlow(
      Choreography arrival,
      PostgresChannel arrivalRamp,
      PostgresOutbox arrivalOutbox,
      EventTally tally,
      PostgresDeadLetters deadLetters) {
    return participate(ArrivalPlan.RAMP, arrival, arrivalRamp, arrivalOutbox, tally, deadLetters);
  }

  @Bean
  RunnableFlow arrivalCarouselsFlow(
      Choreography arrival,
      PostgresChannel arrivalCarousels,
      PostgresOutbox arrivalOutbox,
      EventTally tally,
      PostgresDeadLetters deadLetters) {
    return participate(
        ArrivalPlan.CAROUSELS, arrival, arrivalCarousels, arrivalOutbox, tally, deadLetters);
  }

  @Bean
  RunnableFlow arrivalBeltFlow(
      Choreography arrival,
      PostgresChannel arrivalBelt,
      PostgresOutbox arrivalOutbox,
      EventTally tally,
      PostgresDeadLetters deadLetters) {
    return participate(ArrivalPlan.BELT, arrival, arrivalBelt, arrivalOutbox, tally, deadLetters);
  }

  @Bean
  RunnableFlow arrivalDeskFlow(
      Choreography arrival,
      PostgresChannel arrivalDesk,
      PostgresOutbox arrivalOutbox,
      EventTally tally,
      PostgresDeadLetters deadLetters) {
    return participate(ArrivalPlan.DESK, arrival, arrivalDesk, arrivalOutbox, tally, deadLetters);
  }

  private static RunnableFlow participate(
      String name,
      Choreography arrival,
      PostgresChannel queue,
      PostgresOutbox outbox,
      EventTally tally,
      PostgresDeadLetters deadLetters) {
    return arrival.participate(
        name, events(queue, deadLetters), tally.of(PostgresExchange.create(queue, outbox)));
  }

  private static Flow<byte[]> events(PostgresChannel queue, PostgresDeadLetters deadLetters) {
    return Flow.from(queue)
        .named(queue.name())
        .deadLetter(DeadLettering.into("dead letters of " + queue.name(), deadLetters));
  }

  // == what does not happen ==

  @Bean
  Alarms arrivalAlarms(EventTally tally, Clock clock) {
    return new Alarms(tally, clock);
  }

  @Bean
  Deadlines arrivalDeadlineWatch(
      Choreography arrival,
      PostgresDatabase database,
      Router<byte[]> arrivalEvents,
      Alarms arrivalAlarms) {
    return arrival.deadlines(
        PostgresAggregationStore.create(database),
        arrivalEvents,
        d -> d.alarm(arrivalAlarms::raise));
  }

  @Bean
  RunnableFlow arrivalDeadlinesFlow(
      Deadlines arrivalDeadlineWatch,
      PostgresChannel arrivalDeadlines,
      PostgresDeadLetters deadLetters) {
    return arrivalDeadlineWatch.watch(events(arrivalDeadlines, deadLetters));
  }

  /** Runs what is no flow: the relay, the alarms, and forgetting. */
  @Bean
  ArrivalRounds arrivalRounds(
      PostgresDatabase database,
      PostgresOutbox arrivalOutbox,
      Router<byte[]> arrivalEvents,
      Deadlines arrivalDeadlineWatch) {
    return new ArrivalRounds(
        arrivalOutbox.relay(arrivalEvents),
        arrivalDeadlineWatch,
        PostgresIdempotencyStore.create(database),
        PostgresAggregationStore.create(database));
  }

  @Bean
  ArrivalSection arrivalSection(
      ArrivalPlan plan,
      Router<byte[]> arrivalEvents,
      Duties duties,
      EventTally tally,
      Alarms arrivalAlarms,
      Flows flows,
      Clock clock) {
    return new ArrivalSection(plan, arrivalEvents, duties, tally, arrivalAlarms, flows, clock);
  }
}
