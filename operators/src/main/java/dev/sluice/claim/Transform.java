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
package dev.sluice.claim;

import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/**
 * Turns bytes into other bytes, some at a time. Used by one subscription, one signal at a time,
 * except that a cancel may end it at any moment.
 */
abstract class Transform {

  /** How much is worked on in one go, so that no thread is held up for long, in bytes. */
  static final int CHUNK = 64 * 1024;

  /*
   * turn  0: nobody works; 1: somebody does; 2: ended. Who ends it while somebody works leaves the
   *       release to that one, since native memory must not go while it is in use.
   */
  private static final int FREE = 0;
  private static final int BUSY = 1;
  private static final int ENDED = 2;

  private final AtomicInteger turn = new AtomicInteger(FREE);

  /**
   * Takes at most {@link #CHUNK} bytes; only called when {@link #next} has nothing more to give.
   */
  abstract void take(ByteBuffer bytes);

  /** Nothing more will be taken. */
  abstract void finish();

  /** The next bytes, or null if there are none without taking more. */
  abstract @Nullable ByteBuffer next();

  /** Gives back what no garbage collector does soon. */
  void release() {}

  /** The bytes of the source, transformed; reads as far as the demand reaches. */
  static Flux<ByteBuffer> over(Flux<ByteBuffer> source, Supplier<Transform> transform) {
    return Flux.using(
        transform::get,
        it ->
            source
                .concatMapIterable(bytes -> () -> it.new Output(bytes.duplicate()), 1)
                .concatWith(Flux.fromIterable(() -> it.new Output(null))),
        Transform::end);
  }

  private void end() {
    if (turn.getAndSet(ENDED) == FREE) {
      release();
    }
  }

  /** What comes out for some bytes that go in, or for their end. */
  private final class Output implements Iterator<ByteBuffer> {

    private @Nullable ByteBuffer input;
    private boolean finishes;
    private @Nullable ByteBuffer next;

    Output(@Nullable ByteBuffer input) {
      this.input = input;
      this.finishes = input == null;
    }

    @Override
    public boolean hasNext() {
      if (next == null && turn.compareAndSet(FREE, BUSY)) {
        try {
          next = advance();
        } finally {
          if (!turn.compareAndSet(BUSY, FREE)) {
            release();
          }
        }
      }
      return next != null;
    }

    private @Nullable ByteBuffer advance() {
      ByteBuffer bytes = Transform.this.next();
      while (bytes == null && feed()) {
        bytes = Transform.this.next();
      }
      return bytes;
    }

    private boolean feed() {
      ByteBuffer from = input;
      if (from != null && from.hasRemaining()) {
        int length = Math.min(CHUNK, from.remaining());
        take(from.slice(from.position(), length));
        from.position(from.position() + length);
        return true;
      }
      boolean last = finishes;
      finishes = false;
      if (last) {
        finish();
      }
      return last;
    }

    @Override
    public ByteBuffer next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      ByteBuffer result = next;
      next = null;
      return Objects.requireNonNull(result);
    }
  }
}
