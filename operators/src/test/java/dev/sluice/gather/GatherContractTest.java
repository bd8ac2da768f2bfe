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
package dev.sluice.gather;

import static dev.sluice.gather.ScatterGather.scatterGather;

import dev.sluice.channel.Recipient;
import dev.sluice.contract.OperatorContract;
import dev.sluice.contract.UserCode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/** The contract of operators, for the collected gather of three sources that are its recipients. */
class GatherContractTest extends OperatorContract<String, Gathered<String>> {

  private @Nullable UserCode user;

  @Override
  protected int sources() {
    return 3;
  }

  @Override
  protected String element(int n) {
    return "answer " + n;
  }

  @Override
  protected @Nullable Object identity(Object item) {
    return item instanceof String ? item : null; // answers
  }

  @Override
  protected Flux<Gathered<String>> assemble(List<Flux<String>> sources, UserCode user) {
    this.user = user;
    return scatterGather(recipients(sources), (ScatterSpec<String> s) -> spec(s, user))
        .ask("?")
        .flux();
  }

  @Override
  protected void received(Gathered<String> gathered) {
    if (user != null) {
      user.take(gathered.answers().toArray());
    }
  }

  static Recipients<String, String> recipients(List<Flux<String>> sources) {
    List<Recipient<String, String>> recipients = new ArrayList<>();
    for (Flux<String> source : sources) {
      recipients.add(Recipient.of("r" + recipients.size(), request -> source));
    }
    return Recipients.ofAll(recipients);
  }

  static ScatterSpec<String> spec(ScatterSpec<String> s, UserCode user) {
    return s.within(Duration.ofDays(30)).timer(user.timer()).listener(new Reporter(user));
  }

  /** Tells the user of the failures of legs. */
  static final class Reporter implements ScatterListener {
    private final UserCode user;

    Reporter(UserCode user) {
      this.user = user;
    }

    @Override
    public void ended(Leg<?> leg) {
      if (leg.error() != null) {
        user.report(leg.error());
      }
    }
  }
}
