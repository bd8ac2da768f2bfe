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

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.SendFailed;
import dev.sluice.message.Message;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/** A target for dead letters that takes them, refuses them, or takes the call and is silent. */
final class Letters implements Outbound<byte[]> {

  private final List<Message<byte[]>> taken = new CopyOnWriteArrayList<>();
  private final Queue<Runnable> silenced = new ConcurrentLinkedQueue<>();
  private final AtomicInteger refusals = new AtomicInteger();
  private final AtomicInteger attempts = new AtomicInteger();
  private volatile boolean silent;

  /** Takes no letter and gives no answer until {@link #up}. */
  Letters down() {
    silent = true;
    return this;
  }

  /** Takes letters again, those first that are still waited for. */
  void up() {
    silent = false;
    for (Runnable send; (send = silenced.poll()) != null; ) {
      send.run();
    }
  }

  /** Fails the next {@code n} letters. */
  Letters refusing(int n) {
    refusals.set(n);
    return this;
  }

  List<Message<byte[]>> taken() {
    return taken;
  }

  int attempts() {
    return attempts.get();
  }

  @Override
  public String name() {
    return "letters";
  }

  @Override
  public Mono<Receipt> send(Message<byte[]> message) {
    return Mono.create(
        sink -> {
          attempts.incrementAndGet();
          if (silent) {
            Runnable send = () -> answer(message, sink);
            silenced.add(send);
            sink.onCancel(() -> silenced.remove(send));
          } else {
            answer(message, sink);
          }
        });
  }

  private void answer(Message<byte[]> message, MonoSink<Receipt> sink) {
    if (refusals.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
      sink.error(SendFailed.notSent(name(), "refused", null));
    } else {
      taken.add(message);
      sink.success(new Receipt(name(), message.id(), Integer.toString(taken.size())));
    }
  }
}
