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
package dev.sluice.docs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Outbound;
import dev.sluice.codec.StringCodec;
import dev.sluice.convoy.GroupVerdict;
import dev.sluice.convoy.HaltedGroups;
import dev.sluice.flow.Flow;
import dev.sluice.memory.MemoryParkingLot;
import dev.sluice.message.Message;
import dev.sluice.store.ParkingLot;
import dev.sluice.store.ParkingLot.ParkedGroup;
import dev.sluice.test.LeakCheck;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

/** The code of docs/patterns/parked-groups.md. */
@ExtendWith(LeakCheck.class)
class ParkedGroupsPageTest {

  private final VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
  private final TestChannel orders =
      TestChannel.create("orders").groupBy(text -> text.substring(0, 1));
  private final TestChannel sent = TestChannel.create("receipts");
  private final Outbound<String> receipts = Outbound.encoding(StringCodec.utf8(), sent);
  private final ParkingLot lot = MemoryParkingLot.create(1_000);
  private final AtomicBoolean broken = new AtomicBoolean(true);

  private Mono<String> charge(String order) {
    return Mono.defer(
        () ->
            broken.get() && order.equals("a1")
                ? Mono.error(new IllegalArgumentException(order))
                : Mono.just("receipt of " + order));
  }

  @AfterEach
  void resetTime() {
    VirtualTimeScheduler.reset();
  }

  @Test
  void parked() {
    // #region park
    FlowHandle handle =
        Flow.from(orders)
            .named("charging") // the lot knows its groups by this
            .parking(lot)
            .decode(StringCodec.utf8())
            .groupedConvoy(
                Message::group,
                order -> charge(order),
                c -> c.onFailure(f -> f.then(GroupVerdict.PARK_GROUP)))
            .to(receipts)
            .start();
    // #endregion
    orders.offer("a1", "b1", "a2");
    assertThat(sent.sentTexts()).containsExactly("receipt of b1");
    // #region release
    Flux<ParkedGroup> parked = lot.groups("charging", 100); // which, since when, why
    Mono<Boolean> released = lot.release("charging", "a"); // when the cause is gone
    // #endregion
    assertThat(parked.map(ParkedGroup::messages).blockLast()).isEqualTo(2);
    broken.set(false);
    assertThat(released.block()).isTrue();
    time.advanceTimeBy(Duration.ofSeconds(1));
    assertThat(sent.sentTexts()).containsExactly("receipt of b1", "receipt of a1", "receipt of a2");
    handle.stop(Duration.ZERO).subscribe();
  }

  @Test
  void halted() {
    // #region halt
    HaltedGroups halted = HaltedGroups.create();
    FlowHandle handle =
        Flow.from(orders)
            .decode(StringCodec.utf8())
            .groupedConvoy(
                Message::group,
                order -> charge(order),
                c -> c.onFailure(f -> f.then(GroupVerdict.HALT_GROUP)).halted(halted))
            .to(receipts)
            .start();
    // #endregion
    orders.offer("a1", "b1", "a2");
    assertThat(halted.groups()).containsExactly("a");
    broken.set(false);
    // #region resume
    halted.resume("a");
    // #endregion
    assertThat(sent.sentTexts()).containsExactly("receipt of b1", "receipt of a1", "receipt of a2");
    handle.stop(Duration.ZERO).subscribe();
  }
}
