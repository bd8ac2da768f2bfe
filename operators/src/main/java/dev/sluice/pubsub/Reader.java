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
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/** A subscriber that has no buffer, but reads the log of the topic at its own pace. */
final class Reader<T> extends Subscriber<T> {

  private static final long NOT_YET = Long.MAX_VALUE;

  private volatile long next = NOT_YET; // written by the drain, once it is connected

  Reader(Topic<T> topic, SubscriberSpec<T> spec, CoreSubscriber<? super Published<T>> actual) {
    super(topic, spec, actual);
  }

  @Override
  void connected(long position) {
    next = position;
  }

  /** It looks when it reads. */
  @Override
  Admission look(Message<T> message) {
    return Admission.WITHOUT_KEY;
  }

  @Override
  @Nullable Runnable take(Published<T> published, Admission admission) {
    return null;
  }

  @Override
  @Nullable Published<T> poll() {
    for (; ; ) {
      long at = next;
      Published<T> published = topic.read(at);
      if (published == null) {
        return null;
      }
      long missed = published.position() - at;
      if (missed > 0) {
        lost(missed, listener -> listener.missed(at, missed));
      }
      next = published.position() + 1;
      if (admission(published.message()) != null) {
        return published;
      }
    }
  }

  @Override
  long waiting() {
    return Math.max(0, topic.end() - next);
  }

  @Override
  void clear() {}
}
