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
package dev.sluice.demo.deadletters;

import dev.sluice.channel.DeadLetterHeaders;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.deadletter.DeadLettering;
import dev.sluice.deadletter.RedriveSpec;
import dev.sluice.demo.problem.Problem;
import dev.sluice.message.Message;
import dev.sluice.store.DeadLetter;
import dev.sluice.store.DeadLetterQuery;
import dev.sluice.store.DeadLetters;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/** Looks at dead letters and sends them back to where they came from. */
final class DeadLetterDesk {

  /** How often one record is sent back. */
  static final int MAX_REDRIVES = 3;

  private static final int RATE = 50;

  private static final Logger log = LoggerFactory.getLogger(DeadLetterDesk.class);

  private final DeadLetters store;
  private final Sources sources;
  private final BagRepair repair;
  private final AtomicBoolean busy = new AtomicBoolean();

  DeadLetterDesk(DeadLetters store, Sources sources, BagRepair repair) {
    this.store = store;
    this.sources = sources;
    this.repair = repair;
  }

  /** The letter of this id; empty if there is none. */
  Mono<DeadLetter> find(String id) {
    return id.matches("[0-9]{1,18}")
        ? store.query(DeadLetterQuery.all().id(id)).next()
        : Mono.empty();
  }

  /**
   * Sends one back.
   *
   * @param edit what is changed
   * @return fails with a {@link Problem} if it was sent back too often, or somebody else is doing
   *     so
   */
  Mono<Void> redrive(DeadLetter letter, UnaryOperator<Message<byte[]>> edit) {
    if (letter.redrives() >= MAX_REDRIVES) {
      return Mono.error(
          Problem.conflict(
              "it was sent back %d times and has come back (expected: less than %d)"
                  .formatted(letter.redrives(), MAX_REDRIVES)));
    }
    // One that is back already has another id.
    return redrive(DeadLetterQuery.all().id(letter.id()), edit)
        .flatMap(
            sent ->
                sent > 0
                    ? Mono.empty()
                    : Mono.error(Problem.conflict("somebody else is sending it back")));
  }

  /**
   * Sends many back, in the background.
   *
   * @param retag whether those whose flight can be told get a new tag
   * @throws Problem 409 while that is being done
   */
  void redriveAll(DeadLetterQuery query, boolean retag) {
    if (!busy.compareAndSet(false, true)) {
      throw Problem.conflict("dead letters are being sent back (expected: one redrive at a time)");
    }
    redrive(query, retag ? repair::retagged : UnaryOperator.identity())
        .doFinally(end -> busy.set(false))
        .subscribe(
            sent -> log.info("{} dead letters were sent back", sent),
            failure -> log.warn("the redrive has ended early", failure));
  }

  private Mono<Long> redrive(DeadLetterQuery query, UnaryOperator<Message<byte[]>> edit) {
    UnaryOperator<RedriveSpec> spec = s -> s.rate(RATE).maxRedrives(MAX_REDRIVES).edit(edit);
    return DeadLettering.redriver(store, this::target, spec).redrive(query);
  }

  private Outbound<byte[]> target(DeadLetter letter) {
    Outbound<byte[]> source = sources.of(letter.channel());
    String position = letter.message().headers().get(DeadLetterHeaders.POSITION);
    return position == null ? source : new Marked(source, position);
  }

  /** Where letters came from, by the name of the channel. */
  interface Sources {
    Outbound<byte[]> of(String channel);
  }

  /** Says in whose place the record is sent, for the audit. */
  private record Marked(Outbound<byte[]> source, String position) implements Outbound<byte[]> {

    @Override
    public String name() {
      return source.name();
    }

    @Override
    public Mono<Receipt> send(Message<byte[]> message) {
      return source.send(message.withHeader(DeadLetterTarget.SENT_BACK, position));
    }
  }
}
