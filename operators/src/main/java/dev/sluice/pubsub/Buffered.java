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
package dev.sluice.pubsub;

import dev.sluice.message.Message;
import dev.sluice.pubsub.SubscriberSpec.Overflow;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/** A subscriber with a buffer of its own. */
final class Buffered<T> extends Subscriber<T> {

  private final Waiting<Published<T>> waiting; // guarded by itself

  Buffered(Topic<T> topic, SubscriberSpec<T> spec, CoreSubscriber<? super Published<T>> actual) {
    super(topic, spec, actual);
    this.waiting =
        spec.overflow() == Overflow.COALESCE
            ? new Waiting.ByKey<>(spec.capacity())
            : new Waiting.InOrder<>(spec.capacity(), spec.overflow() == Overflow.DROP_OLDEST);
  }

  @Override
  @Nullable Admission look(Message<T> message) {
    return admission(message);
  }

  @Override
  @Nullable Runnable take(Published<T> published, Admission admission) {
    if (published.position() < spec.start()) {
      return null;
    }
    Published<T> dropped;
    synchronized (waiting) {
      dropped = waiting.offer(published, admission.key());
    }
    if (dropped == null) {
      return null;
    }
    return spec.overflow() == Overflow.DISCONNECT
        ? () -> disconnect(tooSlow(dropped))
        : () -> lost(1, listener -> listener.dropped(dropped));
  }

  private SlowSubscriber tooSlow(Published<T> last) {
    return new SlowSubscriber(topic.name(), spec.name(), spec.capacity(), last.position());
  }

  @Override
  @Nullable Published<T> poll() {
    synchronized (waiting) {
      return waiting.poll();
    }
  }

  @Override
  void connected(long position) {}

  @Override
  long waiting() {
    synchronized (waiting) {
      return waiting.size();
    }
  }

  @Override
  void clear() {
    synchronized (waiting) {
      waiting.clear();
    }
  }
}
