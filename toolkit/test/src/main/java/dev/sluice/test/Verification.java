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
package dev.sluice.test;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.FlowHandle.Stall;
import dev.sluice.channel.FlowHandle.State;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Hooks;

/** One run of a {@link FlowVerifier}. */
final class Verification {

  private final VerifierTime time;
  private final Function<String, @Nullable String> group;
  private final List<FlowVerifier.Step> steps;
  private final FlowEnvironment environment;
  private final Set<TestDelivery> expected = new HashSet<>();
  private final Map<String, Integer> expectedSends = new HashMap<>();
  private final Queue<String> dropped = new ConcurrentLinkedQueue<>();
  private final long leaksBefore = LeakDetector.leaks();
  private boolean failureExpected;
  private int current;

  @SuppressWarnings("NullAway.Init") // set before the first step
  private FlowHandle handle;

  Verification(
      VerifierTime time, Function<String, @Nullable String> group, List<FlowVerifier.Step> steps) {
    this.time = time;
    this.group = group;
    this.steps = steps;
    this.environment = new FlowEnvironment(time.clock());
  }

  /** Returns how much time had passed at the last step. */
  Duration run(Function<? super FlowEnvironment, ? extends FlowHandle> flow) {
    Hooks.onNextDropped(value -> dropped.add("value " + value));
    Hooks.onErrorDropped(error -> dropped.add("error " + error));
    try {
      handle =
          Objects.requireNonNull(flow.apply(environment), "the flow function returned no handle");
      try {
        for (FlowVerifier.Step step : steps) {
          current++;
          take(step);
        }
        Duration elapsed = time.elapsed();
        current = 0;
        judge();
        return elapsed;
      } finally {
        handle.stop(Duration.ZERO).subscribe();
      }
    } finally {
      Hooks.resetOnNextDropped();
      Hooks.resetOnErrorDropped();
    }
  }

  private void take(FlowVerifier.Step step) {
    try {
      step.action().accept(this);
    } catch (Failed e) {
      throw e;
    } catch (AssertionError | RuntimeException e) {
      throw new Failed(report(String.valueOf(e.getMessage())), e);
    }
  }

  // == the end ==

  private void judge() {
    require(() -> leftOver().isEmpty() ? null : "not expected: " + String.join(", ", leftOver()));
    if (!environment.sourceChannel().unsettled().isEmpty()) {
      findLeaks();
    }
    if (!hasEnded()) {
      handle.stop(Duration.ZERO).subscribe();
      if (!time.comesInTheEnd(this::hasEnded)) {
        throw new Failed(report("the flow does not end after it was told to stop"), null);
      }
    }
    Throwable failure = handle.stats().failure();
    if (failure != null && !failureExpected) {
      throw new Failed(report("the flow failed (expected: no failure): " + failure), failure);
    }
    try {
      environment.auditor().verify();
    } catch (AssertionError e) {
      throw new Failed(report(String.valueOf(e.getMessage())), e);
    }
    if (!dropped.isEmpty()) {
      throw new Failed(report("dropped: " + String.join(", ", dropped)), null);
    }
  }

  private boolean hasEnded() {
    State state = handle.stats().state();
    return state == State.STOPPED || state == State.FAILED;
  }

  /** What has happened that no step has named. */
  private List<String> leftOver() {
    List<String> left = new ArrayList<>();
    for (TestDelivery delivery : settled()) {
      if (!expected.contains(delivery)) {
        left.add('"' + delivery.text() + "\" " + words(delivery));
      }
    }
    environment
        .channels()
        .forEach(
            (name, channel) -> {
              for (String text : unexpectedSends(name)) {
                left.add('"' + text + "\" sent to " + name);
              }
            });
    return left;
  }

  private void findLeaks() {
    if (LeakDetector.level() != LeakDetector.Level.PARANOID) {
      return;
    }
    try {
      Garbage.collect();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while looking for leaks", e);
    }
    long leaks = LeakDetector.leaks() - leaksBefore;
    if (leaks > 0) {
      throw new Failed(report("deliveries dropped undecided: " + leaks + " (expected: 0)"), null);
    }
  }

  // == for steps ==

  VerifierTime time() {
    return time;
  }

  FlowEnvironment environment() {
    return environment;
  }

  TestChannel source() {
    return environment.sourceChannel();
  }

  void send(String... texts) {
    for (String text : texts) {
      source()
          .offer(
              Message.builder(text.getBytes(StandardCharsets.UTF_8))
                  .contentType(StringCodec.utf8().contentType())
                  .group(group.apply(text))
                  .createdAt(environment.clock().instant())
                  .build());
    }
  }

  void stop(Duration grace) {
    handle.stop(grace).subscribe();
  }

  void expectOutcomes(Class<? extends Outcome> kind, @Nullable DeadLetterReason reason, int count) {
    require(
        () -> {
          List<TestDelivery> found = unexpected(kind, reason);
          if (found.size() < count) {
            return "expected: " + count + ", was: " + found.size();
          }
          expected.addAll(found.subList(0, count));
          return null;
        });
  }

  void expectOutcomes(
      Class<? extends Outcome> kind, @Nullable DeadLetterReason reason, List<String> texts) {
    require(
        () -> {
          List<TestDelivery> found = new ArrayList<>(unexpected(kind, reason));
          List<TestDelivery> taken = new ArrayList<>();
          List<String> missing = new ArrayList<>();
          for (String text : texts) {
            TestDelivery delivery =
                found.stream().filter(d -> d.text().equals(text)).findFirst().orElse(null);
            if (delivery == null) {
              missing.add(text);
            } else {
              found.remove(delivery);
              taken.add(delivery);
            }
          }
          if (!missing.isEmpty()) {
            return "missing: " + FlowVerifier.quoted(missing);
          }
          expected.addAll(taken);
          return null;
        });
  }

  void expectSent(String channel, int count) {
    require(
        () -> {
          int sent = unexpectedSends(channel).size();
          if (sent < count) {
            return "expected: " + count + ", was: " + sent;
          }
          expectedSends.merge(channel, count, Integer::sum);
          return null;
        });
  }

  /** These come next, and for none, nothing does. */
  void expectSent(String channel, List<String> texts) {
    require(
        () -> {
          List<String> sent = unexpectedSends(channel);
          List<String> next =
              texts.isEmpty() ? sent : sent.subList(0, Math.min(sent.size(), texts.size()));
          if (!next.equals(texts)) {
            return "expected: " + texts + ", was: " + next;
          }
          expectedSends.merge(channel, texts.size(), Integer::sum);
          return null;
        });
  }

  void expectUnsettled(int count) {
    require(
        () -> {
          List<TestDelivery> out = source().unsettled();
          return out.size() == count
              ? null
              : "expected: " + count + " unsettled, was: " + out.size() + ' ' + out;
        });
  }

  void expectWaiting(List<String> texts) {
    require(
        () -> {
          List<String> waiting = source().waitingTexts();
          return waiting.equals(texts) ? null : "expected: " + texts + ", was: " + waiting;
        });
  }

  void expectState(State state, @Nullable Class<? extends Throwable> failure) {
    require(
        () -> {
          FlowHandle.Stats stats = handle.stats();
          boolean matches =
              stats.state() == state && (failure == null || failure.isInstance(stats.failure()));
          if (!matches) {
            String wanted = failure == null ? state.name() : state + " with " + failure.getName();
            return "expected: " + wanted + ", was: " + stats.state() + " with " + stats.failure();
          }
          failureExpected |= state == State.FAILED;
          return null;
        });
  }

  void expectUp() {
    require(() -> handle.stats().isUp() ? null : "expected: up, was: " + handle.stats());
  }

  void expectStalled(Class<? extends Throwable> cause) {
    require(
        () -> {
          Stall stall = handle.stats().stall();
          return stall != null && cause.isInstance(stall.cause()) && !handle.stats().isUp()
              ? null
              : "expected: stalled by " + cause.getName() + ", was: " + stall;
        });
  }

  /** Fails unless the problem is null, or becomes so as long as time allows. */
  private void require(Supplier<@Nullable String> problem) {
    String[] last = new String[1];
    boolean holds =
        time.comes(
            () -> {
              last[0] = problem.get();
              return last[0] == null;
            });
    if (!holds) {
      throw new Failed(report(last[0]), null);
    }
  }

  // == what has happened ==

  private List<TestDelivery> settled() {
    return source().deliveries().stream().filter(d -> d.isOver() && !d.isLost()).toList();
  }

  private List<TestDelivery> unexpected(
      Class<? extends Outcome> kind, @Nullable DeadLetterReason reason) {
    return settled().stream()
        .filter(delivery -> !expected.contains(delivery))
        .filter(delivery -> kind.isInstance(delivery.outcome()))
        .filter(
            delivery ->
                reason == null
                    || (delivery.outcome() instanceof Outcome.Reject reject
                        && reject.reason() == reason))
        .toList();
  }

  private List<String> unexpectedSends(String channel) {
    List<String> sent = environment.channel(channel).sentTexts();
    return sent.subList(expectedSends.getOrDefault(channel, 0), sent.size());
  }

  private static String words(TestDelivery delivery) {
    return Trail.words(Objects.requireNonNull(delivery.outcome()));
  }

  // == the report ==

  /** A verification that failed, with its report. */
  private static final class Failed extends AssertionError {
    private static final long serialVersionUID = 1L;

    Failed(String report, @Nullable Throwable cause) {
      super(report, cause);
    }
  }

  private String report(String problem) {
    StringBuilder text = new StringBuilder();
    text.append(current == 0 ? "at the end: " : "step " + current + ": ");
    if (current > 0) {
      text.append(steps.get(current - 1).text()).append(": ");
    }
    text.append(problem).append("\n  steps:");
    for (int i = 0; i < steps.size(); i++) {
      text.append(i + 1 == current ? "\n  > " : "\n    ");
      text.append(i + 1).append(". ").append(steps.get(i).text());
    }
    text.append("\n  after ").append(time.elapsed()).append(": ").append(handle);
    List<String> left = leftOver();
    text.append("\n  not expected by a step: ");
    text.append(left.isEmpty() ? "nothing" : String.join(", ", left));
    if (!dropped.isEmpty()) {
      text.append("\n  dropped: ").append(String.join(", ", dropped));
    }
    text.append("\n  what happened:\n").append(environment.auditor().story());
    return text.toString();
  }
}
