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
package dev.sluice.requestreply;

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.codec.StringCodec;
import dev.sluice.message.Message;
import dev.sluice.test.TestChannel;
import java.util.List;
import org.reactivestreams.Publisher;
import org.reactivestreams.tck.PublisherVerification;
import org.reactivestreams.tck.TestEnvironment;
import org.testng.annotations.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** The rules of Reactive Streams for publishers, with replies from another thread. */
@Test
public class RequestVerification extends PublisherVerification<String> {

  private static final int BUFFERED = 256;

  public RequestVerification() {
    super(new TestEnvironment(200));
  }

  @Override
  public long maxElementsFromPublisher() {
    return BUFFERED;
  }

  @Override
  public Publisher<String> createPublisher(long elements) {
    return answers(Flux.range(0, (int) elements).map(i -> "" + i));
  }

  @Override
  public Publisher<String> createFailedPublisher() {
    return answers(Flux.error(new IllegalStateException("failed")));
  }

  private static Publisher<String> answers(Flux<String> answers) {
    TestChannel replies = TestChannel.create("replies");
    Requester<String> requester =
        Requester.over(replies, StringCodec.utf8(), s -> s.maxBuffered(BUFFERED));
    Replier<String, String> replier =
        Replier.replier(
            Replier.among(List.of(replies)),
            StringCodec.utf8(),
            question -> answers.publishOn(Schedulers.parallel()),
            s -> s);
    Outbound<String> questions =
        new Outbound<>() {
          @Override
          public String name() {
            return "questions";
          }

          @Override
          public Mono<Receipt> send(Message<String> message) {
            return replier.reply(message).last();
          }
        };
    return requester.stream(questions, Message.of("?"));
  }
}
