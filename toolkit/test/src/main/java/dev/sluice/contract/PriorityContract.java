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
package dev.sluice.contract;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.Experimental;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Outbound;
import dev.sluice.message.Message;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * What is urgent goes first, whether the broker reorders a channel or a flow merges a channel for
 * each level. A test of either extends it and says how messages are sent and how the flow is made.
 */
@Experimental
public abstract class PriorityContract {

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** Of the three levels: the most urgent, the usual, the least urgent. */
  private static final int[] PRIORITIES = {9, Message.DEFAULT_PRIORITY, 0};

  /** What may have been chosen before the most urgent came: it is being worked on, or is next. */
  private static final int CHOSEN = 2;

  /** Where messages of the priorities 9, 4 and 0 are sent. */
  protected abstract Outbound<byte[]> outbound();

  /**
   * Starts a flow that works on one message at a time, and chooses the next when it is free.
   *
   * @param worker to be called with the payload
   */
  protected abstract FlowHandle start(Function<byte[], Mono<Void>> worker);

  /**
   * Whether the flow can choose from as many messages of each level, the most urgent first, as it
   * looks at, or from all of them.
   */
  protected abstract boolean areWaiting(int... ofEachLevel);

  private final List<String> begun = new CopyOnWriteArrayList<>();
  private final Sinks.Empty<Void> opened = Sinks.empty();
  private FlowHandle flow;

  @BeforeEach
  void occupyTheWorker() {
    flow =
        start(
            payload ->
                Mono.defer(
                    () -> {
                      begun.add(new String(payload, UTF_8));
                      return opened.asMono();
                    }));
    send(1, 1);
    await("the first message", () -> begun.size() == 1);
  }

  @AfterEach
  void stop() {
    opened.tryEmitEmpty();
    flow.stop(Duration.ofSeconds(10)).block(PATIENCE);
  }

  @Test
  void levelsGoOneAfterTheOther() {
    int each = 14; // a flow can look at all of them at once
    send(2, each);
    await("the least urgent to wait", () -> areWaiting(0, 0, each - CHOSEN));
    send(1, each);
    send(0, each);
    await("all of them to wait", () -> areWaiting(each, each, each - CHOSEN));
    opened.tryEmitEmpty();
    await("all messages", () -> begun.size() == 1 + 3 * each);
    List<String> chosen = begun.subList(1 + CHOSEN, begun.size());
    List<String> inOrder = new ArrayList<>(chosen);
    Collections.sort(inOrder);
    assertThat(chosen).as("levels in the order of work").isEqualTo(inOrder);
    assertThat(Collections.frequency(begun, "level 0")).isEqualTo(each);
    assertThat(Collections.frequency(begun, "level 2")).isEqualTo(each);
  }

  @Test
  void anUrgentOneOvertakesAllThatWait() {
    send(2, 100);
    await("the least urgent to wait", () -> areWaiting(0, 0, 100 - CHOSEN));
    send(0, 1);
    await("the urgent one to wait", () -> areWaiting(1, 0, 100 - CHOSEN));
    opened.tryEmitEmpty();
    await("all messages", () -> begun.size() == 102);
    assertThat(begun.indexOf("level 0")).isBetween(1, 1 + CHOSEN);
  }

  private void send(int level, int count) {
    Flux<Message<byte[]>> messages =
        Flux.range(0, count)
            .map(
                i ->
                    Message.of(("level " + level).getBytes(UTF_8)).withPriority(PRIORITIES[level]));
    assertThat(outbound().sendAll(messages).count().block(PATIENCE)).isEqualTo(count);
  }

  private static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("not within " + PATIENCE + ": " + what);
      }
      LockSupport.parkNanos(2_000_000);
    }
  }
}
