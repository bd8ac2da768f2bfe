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

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import dev.sluice.message.Message;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.scheduler.Schedulers;

/** Messages that are published while a subscriber comes, asks, or the topic is closed. */
public final class TopicStress {

  private TopicStress() {}

  private static final Message<Integer> ONE = Message.of(1);

  /** Counts what it gets; what it does at once is done by whoever wakes it. */
  static final class Counting extends BaseSubscriber<Published<Integer>> {
    final AtomicInteger values = new AtomicInteger();
    final AtomicInteger ends = new AtomicInteger();
    private final long demand;

    Counting(long demand) {
      this.demand = demand;
    }

    @Override
    protected void hookOnSubscribe(Subscription subscription) {
      if (demand > 0) {
        request(demand);
      }
    }

    @Override
    protected void hookOnNext(Published<Integer> value) {
      values.incrementAndGet();
    }

    @Override
    protected void hookOnComplete() {
      ends.incrementAndGet();
    }
  }

  private static Counting subscribed(Topic<Integer> topic, boolean reads, long demand) {
    Counting counting = new Counting(demand);
    topic
        .subscribe(
            s -> {
              SubscriberSpec<Integer> spec = s.fromEarliest().scheduler(Schedulers.immediate());
              return reads ? spec : spec.dropOldest(8);
            })
        .subscribe(counting);
    return counting;
  }

  @JCStressTest
  @State
  @Outcome(id = "2, 1", expect = ACCEPTABLE, desc = "it got everything, and the end")
  @Outcome(expect = FORBIDDEN, desc = "a message was missed or repeated, or the end forgotten")
  public static class ReadWhilePublishing {
    private final Topic<Integer> topic = Topic.create("events");
    private volatile Counting reader = new Counting(0);

    @Actor
    public void publish() {
      topic.publish(ONE);
      topic.publish(ONE);
    }

    @Actor
    public void read() {
      reader = subscribed(topic, true, Long.MAX_VALUE);
    }

    @Arbiter
    public void arbiter(II_Result r) {
      topic.close();
      r.r1 = reader.values.get();
      r.r2 = reader.ends.get();
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "2, 1", expect = ACCEPTABLE, desc = "it got everything, and the end")
  @Outcome(expect = FORBIDDEN, desc = "a message was missed or repeated, or the end forgotten")
  public static class BufferWhilePublishing {
    private final Topic<Integer> topic = Topic.create("events");
    private volatile Counting buffered = new Counting(0);

    @Actor
    public void publish() {
      topic.publish(ONE);
      topic.publish(ONE);
    }

    @Actor
    public void buffer() {
      buffered = subscribed(topic, false, Long.MAX_VALUE);
    }

    @Arbiter
    public void arbiter(II_Result r) {
      topic.close();
      r.r1 = buffered.values.get();
      r.r2 = buffered.ends.get();
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "2, 2, 1", expect = ACCEPTABLE, desc = "both got everything, and the end")
  @Outcome(expect = FORBIDDEN, desc = "one was forgotten when the other came")
  public static class TwoSubscribe {
    private final Topic<Integer> topic = Topic.create("events");
    private volatile Counting reader = new Counting(0);
    private volatile Counting buffered = new Counting(0);

    public TwoSubscribe() {
      topic.publish(ONE);
    }

    @Actor
    public void read() {
      reader = subscribed(topic, true, Long.MAX_VALUE);
    }

    @Actor
    public void buffer() {
      buffered = subscribed(topic, false, Long.MAX_VALUE);
    }

    @Arbiter
    public void arbiter(III_Result r) {
      topic.publish(ONE);
      topic.close();
      r.r1 = reader.values.get();
      r.r2 = buffered.values.get();
      r.r3 = reader.ends.get() & buffered.ends.get();
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "the message, then the end")
  @Outcome(expect = FORBIDDEN, desc = "a wake-up was lost, or the end came first or twice")
  public static class RequestWhileClosing {
    private final Topic<Integer> topic = Topic.create("events");
    private final Counting counting = subscribed(topic, false, 0);

    public RequestWhileClosing() {
      topic.publish(ONE);
    }

    @Actor
    public void request() {
      counting.request(1);
    }

    @Actor
    public void close() {
      topic.close();
    }

    @Arbiter
    public void arbiter(II_Result r) {
      r.r1 = counting.values.get();
      r.r2 = counting.ends.get();
    }
  }
}
