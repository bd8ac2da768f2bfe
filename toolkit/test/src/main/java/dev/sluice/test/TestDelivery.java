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
package dev.sluice.test;

import dev.sluice.Experimental;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.SettlementCore;
import dev.sluice.message.Message;
import java.util.function.Consumer;
import reactor.core.Disposable;
import reactor.core.Disposables;

/**
 * What a {@link TestChannel} keeps of a delivery that it has handed out. A test looks at its {@link
 * #outcome()}, takes its ownership away with {@link #lose()}, or decides it as the source would,
 * with {@link #settle}.
 */
@Experimental
public final class TestDelivery extends SettlementCore {

  private final Message<byte[]> message;
  private final Origin origin;
  private final long place;
  private final Consumer<TestDelivery> decided;
  private final Consumer<TestDelivery> lost;
  private final Disposable.Swap effect = Disposables.swap();
  private volatile boolean over;

  TestDelivery(
      Message<byte[]> message,
      Origin origin,
      long place,
      Consumer<TestDelivery> decided,
      Consumer<TestDelivery> lost) {
    this.message = message;
    this.origin = origin;
    this.place = place;
    this.decided = decided;
    this.lost = lost;
  }

  /** The message as it was offered. */
  public Message<byte[]> message() {
    return message;
  }

  /** Its payload as text. */
  public String text() {
    return TestChannel.text(message);
  }

  /** Where it came from, with the attempt and the epoch. */
  public Origin origin() {
    return origin;
  }

  /**
   * Takes the ownership away, as when a lease ends or a partition is revoked: whatever is decided
   * now has no effect, and the message is somebody else's. Without effect when it is durable.
   */
  public void lose() {
    markLost();
    if (isLost()) {
      over = true;
      effect.dispose();
      lost.accept(this);
    }
  }

  /** Whether its decision has taken effect, or it was lost. */
  public boolean isOver() {
    return over;
  }

  // == the channel's side ==

  long place() {
    return place;
  }

  /** What brings about the effect of the decision, to be given up when it is lost. */
  void effect(Disposable work) {
    effect.update(work);
  }

  void abandonEffect() {
    effect.dispose();
  }

  void done() {
    over = true;
    markDone();
  }

  /** It is done, and that is there to stay. */
  void survives() {
    over = true;
    markDurable();
  }

  /** The message stays at the source, whatever was decided. */
  void undone() {
    over = true;
    markLost();
  }

  @Override
  protected void onDecided(Outcome outcome) {
    decided.accept(this);
  }

  @Override
  public String toString() {
    return origin.channel() + ' ' + origin.position() + ' ' + text();
  }
}
