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
package dev.sluice.choreography;

import dev.sluice.Experimental;
import dev.sluice.time.Times;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/** The options of {@link Deadlines}. Immutable: each method returns a changed copy. */
@Experimental
public final class DeadlinesSpec implements Cloneable {

  private static final Logger log = LoggerFactory.getLogger(Deadlines.class);

  // Assigned only before a copy is given away.
  private Function<? super Deadlines.Missed, ? extends Mono<Void>> alarm = DeadlinesSpec::warn;
  private Duration lease = Duration.ofSeconds(30);
  private Duration retention = Duration.ofDays(7);

  private DeadlinesSpec() {}

  static DeadlinesSpec of(UnaryOperator<DeadlinesSpec> spec) {
    return Objects.requireNonNull(spec.apply(new DeadlinesSpec()), "the function gave null");
  }

  private DeadlinesSpec with(Consumer<DeadlinesSpec> change) {
    try {
      DeadlinesSpec copy = (DeadlinesSpec) clone();
      change.accept(copy);
      return copy;
    } catch (CloneNotSupportedException e) {
      throw new AssertionError(e);
    }
  }

  private static Mono<Void> warn(Deadlines.Missed missed) {
    return Mono.fromRunnable(() -> log.warn("{}", missed, missed.failure()));
  }

  /**
   * Who is told of what has not come, after the event in its place was sent. At least once: again
   * when it fails, and when the process dies before it has completed. Defaults to a warning in the
   * log.
   */
  public DeadlinesSpec alarm(Function<? super Deadlines.Missed, ? extends Mono<Void>> alarm) {
    Objects.requireNonNull(alarm, "alarm");
    return with(copy -> copy.alarm = alarm);
  }

  /**
   * After how long another process takes up an alarm that one was raising when it died. Longer than
   * to send the event and to raise the alarm takes. Defaults to 30 s.
   *
   * @param lease more than zero, at most 365 days
   */
  public DeadlinesSpec lease(Duration lease) {
    Times.positive("lease", lease);
    return with(copy -> copy.lease = lease);
  }

  /**
   * How long it is remembered that what was expected has come, or not: longer than its events may
   * take to come again. Defaults to 7 days.
   *
   * @param retention more than zero, at most 3650 days
   */
  public DeadlinesSpec retention(Duration retention) {
    Times.retention("retention", retention);
    return with(copy -> copy.retention = retention);
  }

  // == values ==

  Mono<Void> raise(Deadlines.Missed missed) {
    return Mono.defer(() -> Objects.requireNonNull(alarm.apply(missed), "the function gave null"));
  }

  Duration lease() {
    return lease;
  }

  Duration retention() {
    return retention;
  }
}
