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

import dev.sluice.channel.Recipient;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.reactivestreams.Publisher;
import reactor.test.publisher.TestPublisher;

/** Recipients whose asks a test answers by hand. */
final class Desk {

  /** Every ask, in order: {@code a}, or {@code a'} for a hedge. */
  final List<String> asked = new ArrayList<>();

  private final Map<String, List<TestPublisher<String>>> asks = new TreeMap<>();

  Recipient<String, String> recipient(String name) {
    return new Recipient<>() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public Publisher<? extends String> ask(String request) {
        return open(name);
      }

      @Override
      public Publisher<? extends String> hedge(String request) {
        return open(name + "'");
      }
    };
  }

  private Publisher<String> open(String name) {
    asked.add(name);
    TestPublisher<String> ask =
        TestPublisher.createNoncompliant(
            TestPublisher.Violation.REQUEST_OVERFLOW, TestPublisher.Violation.DEFER_CANCELLATION);
    asks.computeIfAbsent(name, n -> new ArrayList<>()).add(ask);
    return ask.flux();
  }

  Recipients<String, String> all(String... names) {
    return Recipients.ofAll(java.util.Arrays.stream(names).map(this::recipient).toList());
  }

  /** The latest ask of a recipient. */
  TestPublisher<String> of(String name) {
    List<TestPublisher<String>> some = asks.get(name);
    return some.get(some.size() - 1);
  }

  TestPublisher<String> of(String name, int ask) {
    return asks.get(name).get(ask);
  }

  /** Whether every ask ever made has been cancelled. */
  void assertAllCancelled() {
    asks.values().forEach(some -> some.forEach(TestPublisher::assertCancelled));
  }

  /** A result in one line: {@code FIRST complete: a ANSWERED A, b CANCELLED}. */
  static String text(Gathered<String> gathered) {
    return gathered.why()
        + (gathered.complete() ? " complete: " : " incomplete: ")
        + gathered.legs().stream().map(Desk::text).collect(Collectors.joining(", "));
  }

  static String text(Leg<String> leg) {
    return leg.recipient() + " " + leg.state() + (leg.answer() == null ? "" : " " + leg.answer());
  }
}
