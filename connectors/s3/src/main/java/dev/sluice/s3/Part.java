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
package dev.sluice.s3;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import reactor.core.publisher.Mono;
import software.amazon.awssdk.core.async.AsyncRequestBody;

/**
 * A part of a payload, in memory until S3 has it, so that it can be sent again. Filled by one
 * thread at a time, then only read; released once, by any thread.
 */
final class Part {

  final int number;
  private final int capacity;
  private final Slabs slabs;
  private final MemoryBudget.Reservation reservation;
  private final List<byte[]> filled = new ArrayList<>();
  private final AtomicBoolean released = new AtomicBoolean();
  private int size;
  private boolean last;

  Part(int number, int capacity, Slabs slabs, MemoryBudget budget) {
    this.number = number;
    this.capacity = capacity;
    this.slabs = slabs;
    this.reservation = budget.reserve(capacity);
  }

  /** Completes when it may be filled. */
  Mono<Void> ready() {
    return reservation.granted();
  }

  boolean isFull() {
    return size == capacity;
  }

  int size() {
    return size;
  }

  /** Whether nothing follows. */
  boolean isLast() {
    return last;
  }

  Part closeAsLast() {
    last = true;
    return this;
  }

  /** Takes as much from the buffer as there is room for. */
  void add(ByteBuffer from) {
    while (from.hasRemaining() && !isFull()) {
      int at = size % Slabs.SIZE;
      if (at == 0) {
        filled.add(slabs.take(Math.min(Slabs.SIZE, capacity - size)));
      }
      byte[] slab = filled.get(filled.size() - 1);
      int length = Math.min(from.remaining(), slab.length - at);
      from.get(slab, at, length);
      size += length;
    }
  }

  /** Can be subscribed to as often as the client tries. */
  AsyncRequestBody body() {
    ByteBuffer[] buffers = new ByteBuffer[filled.size()];
    for (int i = 0; i < buffers.length; i++) {
      buffers[i] = ByteBuffer.wrap(filled.get(i), 0, Math.min(Slabs.SIZE, size - i * Slabs.SIZE));
    }
    return buffers.length == 0
        ? AsyncRequestBody.empty()
        : AsyncRequestBody.fromByteBuffersUnsafe(buffers);
  }

  /**
   * Gives the memory back.
   *
   * @param sent whether S3 has it and no try of the client may be left that still reads it; only
   *     then the arrays are used again
   */
  void release(boolean sent) {
    if (released.compareAndSet(false, true)) {
      if (sent) {
        filled.forEach(slabs::giveBack);
      }
      reservation.release();
    }
  }
}
