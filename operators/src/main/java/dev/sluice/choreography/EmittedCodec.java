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
package dev.sluice.choreography;

import dev.sluice.message.Message;
import dev.sluice.message.WireFormat;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The messages that followed from an event, as they are remembered: their number, then for each the
 * number of its headers, these, and its body; texts and bodies with their lengths before them.
 */
final class EmittedCodec {

  private EmittedCodec() {}

  static byte[] encode(List<Message<byte[]>> messages) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeInt(messages.size());
      for (Message<byte[]> message : messages) {
        Map<String, String> headers = new LinkedHashMap<>();
        WireFormat.write(message, headers::put);
        out.writeInt(headers.size());
        for (Map.Entry<String, String> header : headers.entrySet()) {
          write(out, header.getKey().getBytes(StandardCharsets.UTF_8));
          write(out, header.getValue().getBytes(StandardCharsets.UTF_8));
        }
        write(out, message.payload());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static void write(DataOutputStream out, byte[] bytes) throws IOException {
    out.writeInt(bytes.length);
    out.write(bytes);
  }

  static List<Message<byte[]>> decode(byte[] bytes) {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      List<Message<byte[]>> messages = new ArrayList<>();
      for (int i = in.readInt(); i > 0; i--) {
        Map<String, String> headers = new LinkedHashMap<>();
        for (int n = in.readInt(); n > 0; n--) {
          headers.put(text(in), text(in));
        }
        messages.add(WireFormat.read(read(in), headers.entrySet(), NOTHING_IS_MISSING));
      }
      return messages;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String text(DataInputStream in) throws IOException {
    return new String(read(in), StandardCharsets.UTF_8);
  }

  private static byte[] read(DataInputStream in) throws IOException {
    return in.readNBytes(in.readInt());
  }

  private static final WireFormat.Fallback NOTHING_IS_MISSING =
      new WireFormat.Fallback() {
        @Override
        public String id() {
          throw new IllegalStateException("an event was remembered without its id");
        }

        @Override
        public Instant time() {
          throw new IllegalStateException("an event was remembered without its time");
        }
      };
}
