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
package dev.sluice.saga;

import dev.sluice.codec.PayloadCodec;
import dev.sluice.codec.UnreadablePayload;
import dev.sluice.message.Message;
import dev.sluice.requestreply.Refusal;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What a participant remembers of a step. */
sealed interface StepRecord {

  /** It was done, and gave this; null for nothing, or for what could not be kept. */
  final class Done implements StepRecord {
    private final byte @Nullable [] output;

    Done(byte @Nullable [] output) {
      this.output = output;
    }

    byte @Nullable [] output() {
      return output;
    }
  }

  /** It was refused for good, before anything was done. */
  record Declined(String code, String detail) implements StepRecord {}

  /**
   * It was compensated before it was done: a tombstone, on which every later action ends.
   *
   * @param begun whether an action had begun before, and may have had an effect
   */
  record Barred(boolean begun) implements StepRecord {}

  /** One byte that says which, then its content. */
  PayloadCodec<StepRecord> CODEC =
      new PayloadCodec<>() {
        @Override
        public byte[] encode(Message<StepRecord> message) {
          StepRecord step = message.payload();
          if (step instanceof Done done) {
            return done.output() == null ? new byte[] {'e'} : marked('d', done.output());
          }
          if (step instanceof Declined declined) {
            String text = declined.code() + '\n' + declined.detail();
            return marked('r', text.getBytes(StandardCharsets.UTF_8));
          }
          return new byte[] {(byte) (((Barred) step).begun() ? 'u' : 'b')};
        }

        @Override
        public StepRecord decode(Message<byte[]> message) {
          byte[] bytes = message.payload();
          byte[] content = bytes.length == 0 ? bytes : Arrays.copyOfRange(bytes, 1, bytes.length);
          return switch (bytes.length == 0 ? 0 : bytes[0]) {
            case 'e' -> new Done(null);
            case 'd' -> new Done(content);
            case 'u' -> new Barred(true);
            case 'b' -> new Barred(false);
            case 'r' -> declined(new String(content, StandardCharsets.UTF_8));
            default -> throw new UnreadablePayload(contentType(), "no record of a step", null);
          };
        }

        @Override
        public String contentType() {
          return "application/octet-stream";
        }
      };

  private static byte[] marked(char mark, byte[] content) {
    byte[] bytes = new byte[content.length + 1];
    bytes[0] = (byte) mark;
    System.arraycopy(content, 0, bytes, 1, content.length);
    return bytes;
  }

  private static Declined declined(String text) {
    int end = text.indexOf('\n');
    return new Declined(text.substring(0, end), text.substring(end + 1));
  }

  static Declined declined(Refusal refusal) {
    return new Declined(refusal.code(), refusal.detail());
  }
}
