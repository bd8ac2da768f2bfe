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

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/** Arrays to be used again. Keeps as many as the memory budget has room for. */
final class Slabs {

  static final int SIZE = 256 * 1024;

  private final int most;
  private final Queue<byte[]> idle = new ConcurrentLinkedQueue<>();
  private final AtomicInteger count = new AtomicInteger();

  Slabs(long bytes) {
    most = (int) Math.min(Integer.MAX_VALUE, bytes / SIZE);
  }

  byte[] take(int size) {
    if (size < SIZE) {
      return new byte[size];
    }
    byte[] slab = idle.poll();
    if (slab == null) {
      return new byte[SIZE];
    }
    count.decrementAndGet();
    return slab;
  }

  void giveBack(byte[] slab) {
    if (slab.length == SIZE) {
      if (count.incrementAndGet() <= most) {
        idle.add(slab);
      } else {
        count.decrementAndGet();
      }
    }
  }
}
