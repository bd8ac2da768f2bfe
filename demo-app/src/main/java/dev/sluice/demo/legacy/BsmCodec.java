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
package dev.sluice.demo.legacy;

import dev.sluice.codec.PayloadCodec;
import dev.sluice.codec.UnreadablePayload;
import dev.sluice.demo.legacy.TransferBag.Status;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A bag as the legacy system writes it: 24 characters of ASCII, in columns. 1 to 3 say {@code BSM}
 * (source) or {@code BPM} (processed), 4 to 13 the tag, 14 to 15 the carrier, 16 to 19 the number
 * of the flight with zeros before it, the rest is filled with blanks.
 */
enum BsmCodec implements PayloadCodec<TransferBag> {
  INSTANCE;

  private static final String TYPE = "text/plain;charset=us-ascii";
  private static final int WIDTH = 24;
  private static final Pattern LINE =
      Pattern.compile("(BSM|BPM)([0-9]{10})([A-Z0-9]{2})([0-9]{4}) {5}");

  @Override
  public byte[] encode(Message<TransferBag> message) {
    TransferBag bag = message.payload();
    String[] flight = bag.flight().split(" ", 2);
    String line =
        (bag.status() == Status.ANNOUNCED ? "BSM" : "BPM")
            + bag.tag()
            + flight[0]
            + "0000".substring(flight[1].length())
            + flight[1]
            + "     ";
    return line.getBytes(StandardCharsets.US_ASCII);
  }

  @Override
  public TransferBag decode(Message<byte[]> message) {
    String line = new String(message.payload(), StandardCharsets.US_ASCII);
    Matcher columns = LINE.matcher(line);
    if (line.length() != WIDTH || !columns.matches()) {
      throw new UnreadablePayload(TYPE, "no BSM or BPM of " + WIDTH + " columns", null);
    }
    return new TransferBag(
        columns.group(2),
        columns.group(3) + ' ' + Integer.parseInt(columns.group(4)),
        columns.group(1).equals("BSM") ? Status.ANNOUNCED : Status.SORTED);
  }

  @Override
  public String contentType() {
    return TYPE;
  }
}
