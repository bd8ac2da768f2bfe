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

import dev.sluice.store.PayloadKey;
import java.nio.ByteBuffer;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import org.jspecify.annotations.Nullable;

/** Undoes {@link Deflate}. What comes out is counted by whoever takes it. */
final class Inflate extends Transform {

  private final PayloadKey key;
  private final Inflater inflater = new Inflater();
  private byte[] out = new byte[CHUNK];
  private int filled;
  private boolean last;

  Inflate(PayloadKey key) {
    this.key = key;
  }

  @Override
  void take(ByteBuffer bytes) {
    if (inflater.finished()) {
      throw ClaimRefused.corrupted(key, "bytes behind the end of what was compressed");
    }
    inflater.setInput(bytes);
  }

  @Override
  void finish() {
    last = true;
  }

  @Override
  @Nullable ByteBuffer next() {
    try {
      filled += inflater.inflate(out, filled, out.length - filled);
    } catch (DataFormatException e) {
      throw ClaimRefused.corrupted(key, "not what was compressed: " + e.getMessage());
    }
    if (inflater.finished() && inflater.getRemaining() > 0) {
      throw ClaimRefused.corrupted(key, "bytes behind the end of what was compressed");
    }
    if (last && !inflater.finished() && filled < out.length) {
      throw ClaimRefused.corrupted(key, "the end of what was compressed is missing");
    }
    if (filled == out.length || (last && filled > 0)) {
      ByteBuffer full = ByteBuffer.wrap(out, 0, filled);
      out = new byte[CHUNK];
      filled = 0;
      return full;
    }
    return null;
  }

  @Override
  void release() {
    inflater.end();
  }
}
