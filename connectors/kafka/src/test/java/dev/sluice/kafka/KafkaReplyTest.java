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
package dev.sluice.kafka;

import dev.sluice.channel.Channel;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.codec.BytesCodec;
import dev.sluice.contract.ReplyContract;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import dev.sluice.requestreply.Replier;
import dev.sluice.requestreply.Requester;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Request/reply over topics on a real broker, with a reply topic for each instance. */
class KafkaReplyTest extends ReplyContract {

  private final List<KafkaChannel> channels = new ArrayList<>();

  @Override
  protected Channel channel() {
    KafkaChannel channel = Broker.channel(Broker.newTopic(1));
    channels.add(channel);
    return channel;
  }

  @AfterEach
  void close() {
    Mono.when(channels.stream().map(KafkaChannel::close).toList()).block(Duration.ofSeconds(60));
  }

  @Override
  protected Asker asker(Outbound<byte[]> requests, Inbound replies, Duration timeout) {
    Requester<byte[]> requester =
        Requester.over(replies, BytesCodec.bytes(), s -> s.timeout(timeout));
    return new Asker() {
      @Override
      public Mono<byte[]> ask(Message<byte[]> request) {
        return requester.request(requests, request);
      }

      @Override
      public Flux<byte[]> askForMany(Message<byte[]> request) {
        return requester.stream(requests, request);
      }

      @Override
      public int pending() {
        return requester.stats().pending();
      }

      @Override
      public long late() {
        return requester.stats().late();
      }

      @Override
      public Mono<Void> stop(Duration grace) {
        return requester.stop(grace);
      }
    };
  }

  @Override
  protected FlowHandle replier(
      Inbound requests,
      Function<Message<byte[]>, Publisher<byte[]>> answer,
      Outbound<byte[]> replies,
      Outbound<byte[]> deadLetters) {
    return Flow.from(requests)
        .deadLetter(deadLetters)
        .replyWith(
            Replier.ofMessages(Replier.among(List.of(replies)), BytesCodec.bytes(), answer, s -> s))
        .start();
  }
}
