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
package dev.sluice.kafka.chaos;

import dev.sluice.channel.FlowHandle;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.flow.Flow;
import dev.sluice.kafka.KafkaChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import reactor.core.publisher.Mono;

/**
 * A member of the group: a flow from the topic through a convoy, as a user would write it, whose
 * workers keep a ledger. Some work fails at the first attempt.
 */
final class LocalMember {

  private static final Duration BOUND = Duration.ofSeconds(60);
  private static final int FAILS_ONE_IN = 101;
  private static final int STICKS_ONE_IN = 11;

  private final Ledger ledger;
  private final KafkaChannel channel;
  private final FlowHandle flow;
  private final Set<Long> failed = ConcurrentHashMap.newKeySet();
  private volatile boolean sticky;

  private LocalMember(MemberSpec spec, Path ledger) {
    this.ledger = Ledger.create(ledger);
    this.channel = spec.channel();
    this.flow =
        Flow.from(Work.stamped(channel))
            .onError(ErrorPolicy.defaults().backoff(Duration.ofMillis(5), Duration.ofMillis(50)))
            .maxUnsettled(MemberSpec.MAX_UNSETTLED)
            .decode(Work.CODEC)
            .groupedConvoy(
                message -> message.payload().key(),
                this::work,
                convoy ->
                    convoy
                        .concurrency(MemberSpec.CONCURRENCY)
                        .lookAhead(MemberSpec.MAX_UNSETTLED)
                        .lossGrace(spec.lossGrace()))
            .start();
  }

  static LocalMember join(MemberSpec spec, Path ledger) {
    return new LocalMember(spec, ledger);
  }

  private Mono<Work> work(Work work) {
    return Mono.defer(
        () -> {
          Ledger.Run run = ledger.begin(work);
          boolean stuck = sticky && sticks(work.key(), work.seq());
          Mono<Long> time = stuck ? Mono.never() : Mono.delay(Duration.ofMillis(work.millis()));
          return time.map(tick -> end(work, run)).doOnCancel(run::cancelled);
        });
  }

  private Work end(Work work, Ledger.Run run) {
    long id = (long) work.key() << 32 | work.seq();
    if ((work.key() + work.seq()) % FAILS_ONE_IN == 0 && failed.add(id)) {
      run.failed();
      throw new IllegalStateException("the first attempt fails: " + work);
    }
    run.done();
    return work;
  }

  /** Whether this work does not end when the member is sticky. */
  static boolean sticks(int key, int seq) {
    return (key + seq) % STICKS_ONE_IN == 0;
  }

  /** From now on some of what begins does not end, or no longer. */
  void sticky(boolean sticky) {
    this.sticky = sticky;
  }

  /** How it stands. */
  String report() {
    return flow.stats() + "\n" + channel.gauges();
  }

  FlowHandle flow() {
    return flow;
  }

  /** Stops it; returns when it has left the group. */
  void stop(Duration grace) {
    flow.stop(grace).block(BOUND);
    channel.close().block(BOUND);
  }
}
