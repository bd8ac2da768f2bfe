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
package dev.sluice.kafka;

import dev.sluice.channel.Receipt;
import dev.sluice.channel.SendFailed;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import java.util.function.Supplier;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * One after the other into one producer: hands messages over in the order in which they came, while
 * the bytes on their way are within the bound.
 */
final class ProducerLane {

  /*
   * Threads: enqueue and close come from any thread. `sender` is one thread that may block, since
   * the producer does when it has no metadata, and runs the drain: whoever moves wip from 0 schedules
   * it there. The producer's own thread reports results, and passes them on to `receipts`, so that
   * nobody's code ever holds it up.
   *
   * queue        any thread adds; the drain takes, and whoever adds after the end
   * head         drain only: taken from the queue, waits for room
   * producer     drain only; null before the first message and after a fatal error
   * inFlight     bytes handed over and not answered: the drain adds, the producer's thread subtracts
   *
   * Invariants:
   *   I1  inFlight <= maxInFlightBytes, or a single larger record is on its way
   *   I2  messages reach the producer in the order of enqueue
   *   I3  each message ends once: refused, or handed over and then confirmed or failed
   */

  private static final Logger log = LoggerFactory.getLogger(ProducerLane.class);

  private final String topic;
  private final KafkaOutboundSpec spec;
  private final Supplier<Producer<byte[], byte[]>> producers;
  private final Scheduler sender;
  private final Scheduler receipts;
  private final Queue<PendingSend> queue = new ConcurrentLinkedQueue<>();
  private final Sinks.Empty<Void> closed = Sinks.empty();
  private final AtomicBoolean closing = new AtomicBoolean();
  private volatile boolean closeOverdue;
  private volatile boolean ended;

  private @Nullable PendingSend head;
  private @Nullable Producer<byte[], byte[]> producer;

  @SuppressWarnings("UnusedVariable") // through WIP
  private volatile int wip;

  private static final AtomicIntegerFieldUpdater<ProducerLane> WIP =
      AtomicIntegerFieldUpdater.newUpdater(ProducerLane.class, "wip");

  private volatile long inFlight;

  private static final AtomicLongFieldUpdater<ProducerLane> IN_FLIGHT =
      AtomicLongFieldUpdater.newUpdater(ProducerLane.class, "inFlight");

  /**
   * @param producers makes a producer; called on the thread that may block
   */
  ProducerLane(KafkaOutboundSpec spec, Supplier<Producer<byte[], byte[]>> producers) {
    this.topic = spec.topic();
    this.spec = spec;
    this.producers = producers;
    this.sender =
        Schedulers.newBoundedElastic(1, Integer.MAX_VALUE, "sluice-kafka-send-" + topic, 60, true);
    this.receipts = Schedulers.newSingle("sluice-kafka-receipt-" + topic, true);
  }

  void enqueue(PendingSend send) {
    if (closing.get()) {
      send.refused(afterClose());
      return;
    }
    queue.add(send);
    drain();
    if (ended) {
      refuseAll();
    }
  }

  Mono<Void> close() {
    return Mono.defer(
        () -> {
          if (closing.compareAndSet(false, true)) {
            sender.schedule(
                () -> {
                  closeOverdue = true;
                  drain();
                },
                spec.deliveryTimeout().toMillis(),
                TimeUnit.MILLISECONDS);
            drain();
          }
          return closed.asMono();
        });
  }

  // == drain ==

  private void drain() {
    if (WIP.getAndIncrement(this) == 0) {
      sender.schedule(this::drainLoop);
    }
  }

  private void drainLoop() {
    int missed = 1;
    do {
      handOverWhatFits();
      if (closing.get() && (closeOverdue || (head == null && queue.isEmpty() && inFlight == 0))) {
        end();
        return; // wip stays above 0: the drain never opens again
      }
      missed = WIP.addAndGet(this, -missed);
    } while (missed != 0);
  }

  private void handOverWhatFits() {
    for (; ; ) {
      PendingSend next = head != null ? head : queue.poll();
      head = next;
      if (next == null) {
        return;
      }
      if (!next.isCancelled()) {
        long now = inFlight;
        if (now != 0 && now + next.size > spec.maxInFlightBytes()) {
          return; // the next answer drains again
        }
        handOver(next);
      }
      head = null;
    }
  }

  @SuppressWarnings("FutureReturnValueIgnored") // the callback gets the same
  private void handOver(PendingSend send) {
    IN_FLIGHT.addAndGet(this, send.size);
    Attempt attempt = new Attempt(send);
    try {
      producer().send(send.record, attempt);
    } catch (RuntimeException e) {
      // It was not made, or refuses everything from now on.
      discardProducer();
      attempt.refused(e);
    }
    if (!attempt.refused) {
      send.handedOver();
    }
  }

  private Producer<byte[], byte[]> producer() {
    Producer<byte[], byte[]> current = producer;
    if (current == null) {
      current = producers.get();
      producer = current;
    }
    return current;
  }

  private void discardProducer() {
    Producer<byte[], byte[]> broken = producer;
    producer = null;
    close(broken, Duration.ZERO);
  }

  private void end() {
    ended = true;
    refuseAll();
    PendingSend waiting = head;
    if (waiting != null) {
      waiting.refused(afterClose());
    }
    close(producer, closeOverdue ? Duration.ZERO : spec.deliveryTimeout());
    report( // after all results
        () -> {
          closed.tryEmitEmpty();
          Schedulers.boundedElastic().schedule(this::dispose); // takes locks
        });
  }

  private void dispose() {
    sender.dispose();
    receipts.dispose();
  }

  private void report(Runnable result) {
    try {
      receipts.schedule(result);
    } catch (RejectedExecutionException e) { // a producer that was closed by force answers late
      result.run();
    }
  }

  private void close(@Nullable Producer<byte[], byte[]> producer, Duration timeout) {
    if (producer != null) {
      try {
        producer.close(timeout);
      } catch (RuntimeException e) {
        log.warn("the producer of {} did not close cleanly", topic, e);
      }
    }
  }

  private void refuseAll() {
    for (PendingSend send; (send = queue.poll()) != null; ) {
      send.refused(afterClose());
    }
  }

  private SendFailed afterClose() {
    return SendFailed.notSent(topic, "outbound closed (expected: open)", null);
  }

  /** One handing over; called back by the producer, within {@code send} if that fails at once. */
  private final class Attempt implements Callback {

    private final PendingSend send;
    private final Thread handing = Thread.currentThread();
    private boolean refused;

    Attempt(PendingSend send) {
      this.send = send;
    }

    @Override
    public void onCompletion(@Nullable RecordMetadata metadata, @Nullable Exception error) {
      if (error != null && Thread.currentThread() == handing) {
        refused(error);
        return;
      }
      report(
          error == null && metadata != null
              ? () -> send.confirmed(receipt(metadata))
              : () -> send.failed(SendFailures.unconfirmed(topic, send, cause(error))));
      answered();
    }

    void refused(Exception error) {
      refused = true;
      report(() -> send.refused(SendFailures.refused(topic, send, error)));
      answered();
    }

    /** After the report, or the end could overtake it. */
    private void answered() {
      IN_FLIGHT.addAndGet(ProducerLane.this, -send.size);
      drain();
    }

    private Receipt receipt(RecordMetadata metadata) {
      return new Receipt(
          topic,
          send.messageId,
          metadata.topic() + '-' + metadata.partition() + '@' + metadata.offset());
    }

    private Throwable cause(@Nullable Exception error) {
      return error != null ? error : new IllegalStateException("neither metadata nor an error");
    }
  }
}
