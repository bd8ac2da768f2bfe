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
package dev.sluice.postgres;

import dev.sluice.channel.Receipt;
import dev.sluice.message.Message;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.MonoSink;

/** A message on its way into the tables, and who waits for its receipt. */
final class PendingSend {

  final Message<byte[]> message;
  final @Nullable String lane;
  final String headers;
  private final MonoSink<Receipt> sink;
  private volatile boolean cancelled;

  PendingSend(Message<byte[]> message, MonoSink<Receipt> sink) {
    String group = message.group();
    this.message = message;
    this.lane = group == null ? null : LaneKey.of(group);
    this.headers = HeaderJson.write(message);
    this.sink = sink;
    sink.onCancel(() -> cancelled = true);
  }

  boolean isCancelled() {
    return cancelled;
  }

  /** Roughly what it takes on the wire. */
  int weight() {
    return message.payload().length + headers.length();
  }

  void sent(String channel, long position) {
    sink.success(new Receipt(channel, message.id(), Long.toString(position)));
  }

  void failed(Throwable error) {
    sink.error(error);
  }
}
