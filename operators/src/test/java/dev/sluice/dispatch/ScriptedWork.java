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
package dev.sluice.dispatch;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;

/** A behaviour of the engine that does what a test says and remembers what it was asked. */
final class ScriptedWork implements Work<Integer, Integer, String> {

  Function<Integer, @Nullable Object> key = element -> element % 10;
  Function<Lane<Integer>, Publisher<Integer>> start = lane -> Mono.just(lane.element());
  Function<Lane<Integer>, Verdict> completed = lane -> Verdict.NEXT;
  BiFunction<Lane<Integer>, Throwable, Verdict> failed = (lane, error) -> Verdict.fail(error);

  /** What happened, in order. */
  final List<String> log = new ArrayList<>();

  private synchronized void note(String what) {
    log.add(what);
  }

  @Override
  public @Nullable Object key(Integer element) {
    return key.apply(element);
  }

  @Override
  public Publisher<Integer> start(Lane<Integer> lane) {
    note("start " + lane.element() + " attempt " + lane.attempt());
    return start.apply(lane);
  }

  @Override
  public String emit(Lane<Integer> lane, Integer value) {
    return lane.element() + ":" + value;
  }

  @Override
  public Verdict completed(Lane<Integer> lane) {
    note("completed " + lane.element());
    return completed.apply(lane);
  }

  @Override
  public Verdict failed(Lane<Integer> lane, Throwable error, boolean once) {
    note("failed " + lane.element() + (once ? " once" : ""));
    return failed.apply(lane, error);
  }

  @Override
  public void abandoned(Lane<Integer> lane) {
    note("abandoned " + lane.element());
  }
}
