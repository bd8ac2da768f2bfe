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
package dev.sluice.kafka.chaos;

import dev.sluice.channel.ChannelInfo;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.codec.PayloadCodec;
import dev.sluice.delivery.Delivery;
import dev.sluice.message.Message;
import java.nio.ByteBuffer;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * One piece of work: the {@code seq}-th of its key, from 0, and where its record came from.
 *
 * @param millis how long it takes
 * @param epoch the period of ownership in which it was delivered
 */
record Work(int key, int seq, int millis, int partition, long offset, long epoch) {

  private static final int WRITTEN = 3 * Integer.BYTES;
  private static final int STAMPED = WRITTEN + Integer.BYTES + 2 * Long.BYTES;

  /** The value of a record. */
  static byte[] value(int key, int seq, int millis) {
    return ByteBuffer.allocate(WRITTEN).putInt(key).putInt(seq).putInt(millis).array();
  }

  /**
   * The same channel; a worker, which sees the payload alone, learns from it where it came from.
   */
  static Inbound stamped(Inbound channel) {
    return new Stamped(channel);
  }

  static final PayloadCodec<Work> CODEC =
      new PayloadCodec<>() {
        @Override
        public byte[] encode(Message<Work> message) {
          throw new UnsupportedOperationException("nobody sends work");
        }

        @Override
        public Work decode(Message<byte[]> message) {
          ByteBuffer in = ByteBuffer.wrap(message.payload());
          return new Work(
              in.getInt(), in.getInt(), in.getInt(), in.getInt(), in.getLong(), in.getLong());
        }

        @Override
        public String contentType() {
          return Message.DEFAULT_CONTENT_TYPE;
        }
      };

  private record Stamped(Inbound channel) implements Inbound {

    @Override
    public Flux<Delivery<byte[]>> receive(ReceiveOptions options) {
      return channel.receive(options).map(Stamped::stamp);
    }

    private static Delivery<byte[]> stamp(Delivery<byte[]> delivery) {
      String position = delivery.origin().position(); // topic-partition@offset
      int at = position.lastIndexOf('@');
      int dash = position.lastIndexOf('-', at);
      byte[] stamped =
          ByteBuffer.allocate(STAMPED)
              .put(delivery.message().payload())
              .putInt(Integer.parseInt(position.substring(dash + 1, at)))
              .putLong(Long.parseLong(position.substring(at + 1)))
              .putLong(delivery.origin().epoch())
              .array();
      return delivery.with(delivery.message().withPayload(stamped));
    }

    @Override
    public Mono<Long> depth() {
      return channel.depth();
    }

    @Override
    public ChannelInfo info() {
      return channel.info();
    }
  }
}
