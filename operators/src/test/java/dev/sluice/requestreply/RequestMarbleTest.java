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
import dev.sluice.codec.StringCodec;
import dev.sluice.message.Message;
import dev.sluice.requestreply.ReplyMarks.What;
import dev.sluice.test.TestChannel;
import dev.sluice.test.marble.MarbleScript;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;

/** What the diagram shows is what happens. */
class RequestMarbleTest {

  private static final Path SCRIPT =
      Path.of("src/main/java/dev/sluice/requestreply/doc-files/request.marble");

  @Test
  void eachRequestGetsItsOwnAnswerOrNoneInTime() {
    MarbleScript.load(SCRIPT).verify(RequestMarbleTest::asked);
  }

  private static Flux<String> asked(Map<String, Flux<String>> in) {
    return Flux.defer(
        () -> {
          TestChannel questions = TestChannel.create("questions");
          TestChannel replies = TestChannel.create("replies");
          Outbound<String> to = Outbound.encoding(StringCodec.utf8(), questions);
          Requester<String> requester =
              Requester.over(replies, StringCodec.utf8(), s -> s.timeout(Duration.ofMillis(10)));
          Objects.requireNonNull(in.get("replies"))
              .subscribe(answer -> replies.offer(reply(questions, answer)));
          return Objects.requireNonNull(in.get("requests"))
              .flatMap(
                  question ->
                      requester
                          .request(to, Message.of(question))
                          .onErrorReturn(TimeoutException.class, question + 0));
        });
  }

  private static Message<byte[]> reply(TestChannel questions, String answer) {
    Message<byte[]> question =
        questions.sent().stream()
            .filter(sent -> answer.startsWith(TestChannel.text(sent)))
            .findFirst()
            .orElseThrow();
    return ReplyMarks.reply(question, What.LAST, 0, answer.getBytes(StandardCharsets.UTF_8), false);
  }

  @Test
  void thePictureIsFresh() {
    MarbleScript.verifyPicture(SCRIPT);
  }
}
