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
package dev.sluice.postgres;

import dev.sluice.postgres.LaneClaim.Lane;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * What a consumer can claim: messages without a group, and groups. It asks for one or the other in
 * turn, and less often for what it has not found lately. Used by one thread at a time.
 */
final class Claims {

  /**
   * What a claim has found.
   *
   * @param rows how much was there, that which turned out to be empty included
   */
  record Found(int rows, List<? extends Claimed> claimed) {}

  private interface Asking {
    Mono<Found> claim(int n, int room);
  }

  /** One of the two. */
  static final class Source {

    private final Asking asking;
    private final Poll poll;

    private Source(Asking asking, Poll poll) {
      this.asking = asking;
      this.poll = poll;
    }

    /** How much to ask for at most. */
    int batch() {
      return poll.batch();
    }

    /**
     * @param room how many messages may come, those that wait behind others included; at least n
     */
    Mono<Found> claim(int n, int room) {
      return asking.claim(n, room);
    }

    /** To be told how many were found. */
    void answered(int asked, int found) {
      if (found > 0) {
        poll.found(found, asked, System.nanoTime());
      } else {
        poll.empty(System.nanoTime());
      }
    }
  }

  private final OpenClaim open;
  private final LaneClaim lanes;
  private final LaneSettle settle;
  private final int laneBatch;
  private final long leaseNanos;
  private final Source first;
  private final Source second;
  private boolean firstsTurn;

  Claims(PostgresDatabase database, String queue, PostgresChannelSpec spec, Duration lease) {
    long now = System.nanoTime();
    this.open = new OpenClaim(database, queue);
    this.lanes = new LaneClaim(database, queue);
    this.settle = new LaneSettle(database, queue);
    this.laneBatch = spec.laneBatch();
    this.leaseNanos = lease.toNanos();
    this.first = new Source(this::messages, new Poll(spec.claimBatch(), now));
    this.second = new Source(this::groups, new Poll(spec.claimBatch(), now));
  }

  /** Whom to ask now, or null if it is not time yet. */
  @Nullable Source due(long now) {
    firstsTurn = !firstsTurn;
    Source one = firstsTurn ? first : second;
    Source other = firstsTurn ? second : first;
    if (one.poll.pause(now) <= 0) {
      return one;
    }
    return other.poll.pause(now) <= 0 ? other : null;
  }

  /** How long until it is time, in nanoseconds. */
  long pause(long now) {
    return Math.max(0, Math.min(first.poll.pause(now), second.poll.pause(now)));
  }

  /** There may be something from a time on. */
  void hint(long time) {
    first.poll.hint(time);
    second.poll.hint(time);
  }

  private Mono<Found> messages(int n, int room) {
    return open.claim(n, leaseNanos).map(messages -> new Found(messages.size(), messages));
  }

  private Mono<Found> groups(int n, int room) {
    return lanes
        .claim(n, leaseNanos)
        .flatMap(
            claimed ->
                claimed.isEmpty()
                    ? Mono.just(new Found(0, claimed))
                    : filled(claimed, Math.min(laneBatch, room / claimed.size())));
  }

  private Mono<Found> filled(List<Lane> claimed, int each) {
    return lanes
        .fetch(claimed, each)
        .onErrorResume(error -> giveBack(claimed).then(Mono.error(error)))
        .map(
            empty -> {
              if (empty.isEmpty()) {
                return new Found(claimed.size(), claimed);
              }
              lanes.rest(empty).subscribe(nothing -> {}, error -> {}); // or their leases end
              return new Found(
                  claimed.size(),
                  claimed.stream().filter(lane -> !lane.messages.isEmpty()).toList());
            });
  }

  /** As if they had not been claimed; where that fails, their leases end. */
  private Mono<Void> giveBack(List<Lane> claimed) {
    return settle
        .move(
            claimed.stream()
                .map(lane -> LaneSettle.Move.back(lane, lane.head, lane.attempt - 1, 0))
                .toList())
        .then()
        .onErrorComplete();
  }
}
