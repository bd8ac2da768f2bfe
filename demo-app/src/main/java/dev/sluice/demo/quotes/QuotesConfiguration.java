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
package dev.sluice.demo.quotes;

import static dev.sluice.gather.ScatterGather.scatterGather;

import dev.sluice.gather.Recipients;
import dev.sluice.gather.ScatterGather;
import java.time.Duration;
import java.util.List;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/**
 * Puts quotes together: five partner airlines of which three are to answer within 800 ms. The two
 * that are slow first are asked a second time.
 */
@Configuration(proxyBeanMethods = false)
class QuotesConfiguration {

  static final int WANTED = 3;
  static final Duration WITHIN = Duration.ofMillis(800);

  private static final Duration HEDGE_AFTER = Duration.ofMillis(250);
  private static final int HEDGES = 2;
  private static final int ASKS_AT_ONCE = 64;
  private static final int ASKS_WAITING = 256;

  @Bean
  Airlines airlines() {
    return new Airlines(
        List.of(
            new Airline("north", Duration.ofMillis(120)),
            new Airline("east", Duration.ofMillis(180)),
            new Airline("south", Duration.ofMillis(240)),
            new Airline("west", Duration.ofMillis(300)),
            new Airline("far", Duration.ofMillis(600))));
  }

  @Bean
  ScatterGather<Route, Offer> quotes(Airlines airlines) {
    return scatterGather(
        Recipients.ofAll(airlines.all()),
        s ->
            s.name("quotes")
                .first(WANTED)
                .within(WITHIN)
                .hedge(HEDGE_AFTER, HEDGES)
                .bulkhead(ASKS_AT_ONCE, ASKS_WAITING));
  }
}
