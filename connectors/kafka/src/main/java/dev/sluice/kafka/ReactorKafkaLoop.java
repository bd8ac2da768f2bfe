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

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Schedulers;
import reactor.kafka.receiver.KafkaReceiver;
import reactor.kafka.receiver.ReceiverOptions;
import reactor.kafka.receiver.internals.ConsumerFactory;

/**
 * The poll loop of reactor-kafka, and the only class that knows it.
 *
 * <p>It is used as "records in" and nothing more. Acknowledging, committing, waiting in a rebalance
 * and pausing for records out of order are switched off: a {@link PolledConsumer} does them.
 */
final class ReactorKafkaLoop implements KafkaLoop {

  /*
   * Threads: start and close are called by any thread. The consumer is made on a thread that may
   * block (it resolves host names); from then on it belongs to the event thread of reactor-kafka.
   *
   * Invariant: once started, the listener is told that it is over, by failed or by closed (by both
   * if it fails while it is being closed). A flux that is cancelled says nothing, so closed comes
   * from the consumer itself.
   */

  private static final Duration POLL_TIMEOUT = Duration.ofMillis(100);

  private final KafkaChannelSpec spec;
  private final Assignment assignment;
  private final Listener listener;
  private final Disposable.Swap running = Disposables.swap();
  private volatile boolean closing;
  private volatile @Nullable PolledConsumer consumer;

  ReactorKafkaLoop(KafkaChannelSpec spec, Assignment assignment, Listener listener) {
    this.spec = spec;
    this.assignment = assignment;
    this.listener = listener;
  }

  @Override
  public void start() {
    Schedulers.boundedElastic()
        .schedule(
            () -> {
              if (closing) {
                listener.closed();
              } else {
                running.update(
                    records().subscribe(listener::arrived, listener::failed, listener::closed));
              }
            });
  }

  @Override
  public void wakeup() {
    PolledConsumer current = consumer;
    if (current != null && !closing) {
      current.wakeup();
    }
  }

  @Override
  public void close() {
    closing = true;
    running.dispose();
  }

  private Flux<Arrival> records() {
    return KafkaReceiver.create(new Consumers(), options())
        .receive()
        .map(record -> (Arrival) record.value());
  }

  private ReceiverOptions<byte[], Object> options() {
    return ReceiverOptions.<byte[], Object>create(spec.consumerConfig())
        .subscription(List.of(spec.topic()))
        .pollTimeout(POLL_TIMEOUT)
        .closeTimeout(spec.closeTimeout())
        .commitInterval(Duration.ZERO)
        .commitBatchSize(0)
        .maxDeferredCommits(0)
        .maxDelayRebalance(Duration.ZERO);
  }

  private final class Consumers extends ConsumerFactory {
    @Override
    @SuppressWarnings("unchecked") // the options above are the only ones it is asked with
    public <K, V> Consumer<K, V> createConsumer(ReceiverOptions<K, V> options) {
      Map<String, Object> config = options.consumerProperties();
      PolledConsumer made =
          new PolledConsumer(
              config,
              assignment,
              () -> {
                if (closing) {
                  listener.closed();
                }
              });
      consumer = made;
      return (Consumer<K, V>) made;
    }
  }
}
