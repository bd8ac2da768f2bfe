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
package dev.sluice.channel;

import dev.sluice.codec.PayloadCodec;
import dev.sluice.delivery.ErrorClassifier;
import dev.sluice.message.Message;
import java.time.Duration;
import reactor.core.publisher.Mono;

/** Encodes the payload, then sends; what cannot be encoded will never be sent. */
record EncodingOutbound<S>(PayloadCodec<S> codec, Outbound<byte[]> bytes) implements Outbound<S> {

  @Override
  public String name() {
    return bytes.name();
  }

  @Override
  public Mono<Duration> retention() {
    return bytes.retention();
  }

  @Override
  public Mono<Receipt> send(Message<S> message) {
    return Mono.defer(
        () -> {
          try {
            return bytes.send(message.withPayload(encode(message), codec.contentType()));
          } catch (Throwable e) { // also what Reactor would throw on, out of the sender's loop
            return Mono.error(e);
          }
        });
  }

  private byte[] encode(Message<S> message) {
    try {
      return codec.encode(message);
    } catch (Throwable e) {
      if (ErrorClassifier.defaults().classify(e) == ErrorClassifier.Kind.FATAL) {
        throw e; // about the process, not the message
      }
      throw SendFailed.permanent(name(), "cannot encode " + message, e);
    }
  }
}
