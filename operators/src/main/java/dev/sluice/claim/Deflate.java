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
import java.util.zip.Deflater;
import org.jspecify.annotations.Nullable;

/**
 * Compresses, in the zlib format (RFC 1950). What would become smaller than any honest payload does
 * is not compressed in parts, so that a reader may take a better ratio for an attack.
 */
final class Deflate extends Transform {

  private static final int MAX_RATIO = 100;

  /** So much may be in the compressor before anything comes out, and be compressed better. */
  private static final long SLACK = 16L * 1024 * 1024;

  private final Deflater deflater = new Deflater(Deflater.BEST_SPEED);
  private byte[] out = new byte[CHUNK];
  private int filled;

  /** Whether this many bytes may have been made of as many stored ones by {@link Deflate}. */
  static boolean mayBe(long size, long stored) {
    return (size - SLACK) / MAX_RATIO <= stored;
  }

  @Override
  void take(ByteBuffer bytes) {
    boolean tooSmall = deflater.getBytesRead() - SLACK / 2 > deflater.getBytesWritten() * MAX_RATIO;
    deflater.setLevel(tooSmall ? Deflater.NO_COMPRESSION : Deflater.BEST_SPEED);
    deflater.setInput(bytes);
  }

  @Override
  void finish() {
    deflater.finish();
  }

  @Override
  @Nullable ByteBuffer next() {
    filled += deflater.deflate(out, filled, out.length - filled);
    if (filled == out.length || (deflater.finished() && filled > 0)) {
      ByteBuffer full = ByteBuffer.wrap(out, 0, filled);
      out = deflater.finished() ? out : new byte[CHUNK];
      filled = 0;
      return full;
    }
    return null;
  }

  @Override
  void release() {
    deflater.end();
  }
}
