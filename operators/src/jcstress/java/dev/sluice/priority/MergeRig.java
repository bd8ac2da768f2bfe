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
package dev.sluice.priority;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/** One subscription of the merge with sources and a subscriber that the actors drive by hand. */
final class MergeRig implements CoreSubscriber<Integer> {

  /** A source that does what an actor says. */
  static final class Source extends Flux<Integer> implements Subscription {
    volatile @Nullable CoreSubscriber<? super Integer> subscriber;

    @Override
    public void subscribe(CoreSubscriber<? super Integer> actual) {
      subscriber = actual;
      actual.onSubscribe(this);
    }

    CoreSubscriber<? super Integer> signals() {
      CoreSubscriber<? super Integer> s = subscriber;
      if (s == null) {
        throw new IllegalStateException("the source has no subscriber");
      }
      return s;
    }

    @Override
    public void request(long n) {}

    @Override
    public void cancel() {}
  }

  // == what came out: plain, because it is the drain that must make it visible ==
  final List<Integer> emitted = new ArrayList<>();
  int completions;
  int errors;

  final AtomicInteger discarded = new AtomicInteger();
  final MergeMain<Integer> main;
  final List<Source> sources = new ArrayList<>();

  /** A merge with a source for each of two levels, and the publisher of sources still open. */
  MergeRig(PrioritySpec<Integer> spec) {
    main = new MergeMain<>(this, spec, 2, 8);
    main.onSubscribe(Operators.emptySubscription());
    add(0);
    add(1);
  }

  static MergeRig strict() {
    return new MergeRig(PrioritySpec.<Integer>defaults().prefetch(4));
  }

  static MergeRig fair() {
    return new MergeRig(PrioritySpec.<Integer>defaults().prefetch(4).fairBy(i -> i));
  }

  Source add(int level) {
    Source source = new Source();
    sources.add(source);
    main.onNext(new PrioritySource<>(level, source));
    return source;
  }

  CoreSubscriber<? super Integer> source(int index) {
    return sources.get(index).signals();
  }

  @Override
  public Context currentContext() {
    return Operators.enableOnDiscard(Context.empty(), o -> discarded.incrementAndGet());
  }

  @Override
  public void onSubscribe(Subscription s) {}

  @Override
  public void onNext(Integer value) {
    emitted.add(value);
  }

  @Override
  public void onError(Throwable t) {
    errors++;
  }

  @Override
  public void onComplete() {
    completions++;
  }
}
