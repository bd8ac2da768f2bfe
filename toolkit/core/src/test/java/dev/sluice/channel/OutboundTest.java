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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.sluice.channel.SendFailed.Certainty;
import dev.sluice.codec.PayloadCodec;
import dev.sluice.delivery.ErrorClassifier;
import dev.sluice.delivery.ErrorClassifier.Kind;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;

class OutboundTest {

  private static final Duration TIMEOUT = Duration.ofSeconds(10);

  @Nested
  class SendAll {

    @Test
    void sendsInOrderAndReceiptsKeepIt() {
      Sinks.Empty<Void> slow = Sinks.empty();
      RecordingOutbound target =
          new RecordingOutbound(
              n -> {
                Mono<Receipt> receipt = Mono.just(receipt(n));
                return n == 1 ? slow.asMono().then(receipt) : receipt;
              });
      StepVerifier.create(target.sendAll(messages(3)))
          .then(() -> assertThat(target.sent).hasSize(3))
          .then(slow::tryEmitEmpty)
          .expectNext(receipt(1), receipt(2), receipt(3))
          .expectComplete()
          .verify(TIMEOUT);
      assertThat(target.sent)
          .extracting(message -> new String(message.payload(), StandardCharsets.UTF_8))
          .containsExactly("1", "2", "3");
    }

    @Test
    void takesAtMost256MessagesAheadOfTheReceiptsThatAreAskedFor() {
      RecordingOutbound target = new RecordingOutbound();
      StepVerifier.create(target.sendAll(messages(1_000)), 0)
          .then(() -> assertThat(target.sent).hasSize(256))
          .thenRequest(1)
          .expectNextCount(1)
          .then(() -> assertThat(target.sent).hasSizeBetween(257, 512))
          .thenCancel()
          .verify(TIMEOUT);
    }

    @Test
    void theFirstFailureCancelsTheRest() {
      SendFailed failed = SendFailed.notSent("target", "down", null);
      RecordingOutbound target =
          new RecordingOutbound(n -> n == 2 ? Mono.error(failed) : Mono.just(receipt(n)));
      TestPublisher<Message<byte[]>> source = TestPublisher.create();
      StepVerifier.create(target.sendAll(source))
          .then(() -> source.next(message("1"), message("2")))
          .expectNext(receipt(1))
          .expectErrorMatches(error -> error == failed)
          .verify(TIMEOUT);
      source.assertCancelled();
    }

    private Flux<Message<byte[]>> messages(int n) {
      return Flux.fromStream(
          IntStream.rangeClosed(1, n).mapToObj(i -> message(Integer.toString(i))));
    }

    private Receipt receipt(int n) {
      return new Receipt("target", "id", Integer.toString(n));
    }
  }

  @Nested
  class Encoding {

    private final RecordingOutbound bytes = new RecordingOutbound();

    @Test
    void sendsTheBytesOfTheCodecUnderItsContentType() {
      Message<Integer> message = Message.builder(42).type("answer").group("g").build();
      Outbound<Integer> numbers = Outbound.encoding(new Digits(), bytes);
      assertThat(numbers.name()).isEqualTo("target");

      StepVerifier.create(numbers.send(message))
          .expectNextCount(1)
          .expectComplete()
          .verify(TIMEOUT);

      assertThat(bytes.sent)
          .containsExactly(
              message.withPayload("42".getBytes(StandardCharsets.UTF_8), "text/x-digits"));
    }

    @Test
    void whatCannotBeEncodedWillNeverBeSent() {
      Message<Integer> message = Message.of(-1);
      StepVerifier.create(Outbound.encoding(new Digits(), bytes).send(message))
          .expectErrorSatisfies(
              error ->
                  assertThat(error)
                      .isInstanceOfSatisfying(
                          SendFailed.class,
                          failed -> assertThat(failed.certainty()).isEqualTo(Certainty.PERMANENT))
                      .hasMessage("target: cannot encode " + message)
                      .hasCauseInstanceOf(IllegalArgumentException.class))
          .verify(TIMEOUT);
      assertThat(bytes.sent).isEmpty();
    }

    /** A thrown one would leave the source that sends in the middle of its loop. */
    @Test
    void errorsOfTheVirtualMachineAreSignalledNotThrown() {
      NoClassDefFoundError missing = new NoClassDefFoundError("boom");
      RecordingOutbound broken =
          new RecordingOutbound(
              n -> {
                throw missing;
              });
      PayloadCodec<Integer> brokenCodec =
          new PayloadCodec<>() {
            @Override
            public byte[] encode(Message<Integer> message) {
              throw missing;
            }

            @Override
            public Integer decode(Message<byte[]> message) {
              throw missing;
            }

            @Override
            public String contentType() {
              return "text/x-none";
            }
          };
      StepVerifier.create(Outbound.encoding(new Digits(), broken).send(Message.of(1)))
          .expectErrorMatches(error -> error == missing)
          .verify(TIMEOUT);
      StepVerifier.create(Outbound.encoding(brokenCodec, bytes).send(Message.of(1)))
          .expectErrorMatches(error -> error == missing)
          .verify(TIMEOUT);
    }

    @Test
    void anErrorOfTheCodecIsAFailedSendToo() {
      Outbound<Integer> failing = Outbound.encoding(failing(new AssertionError("no")), bytes);
      StepVerifier.create(failing.send(Message.of(1)))
          .expectErrorSatisfies(
              error ->
                  assertThat(error)
                      .isInstanceOf(SendFailed.class)
                      .hasCauseInstanceOf(AssertionError.class))
          .verify(TIMEOUT);
    }

    /** One that Reactor would throw on, to the thread of the source. */
    @Test
    void anErrorOfTheVirtualMachineInTheCodecIsSignalledAndJudgesNoMessage() {
      LinkageError fatal = new NoClassDefFoundError("dev/example/Order");
      StepVerifier.create(Outbound.encoding(failing(fatal), bytes).send(Message.of(1)))
          .expectErrorSatisfies(error -> assertThat(error).isSameAs(fatal))
          .verify(TIMEOUT);
    }

    private PayloadCodec<Integer> failing(Error error) {
      return new PayloadCodec<>() {
        @Override
        public byte[] encode(Message<Integer> message) {
          throw error;
        }

        @Override
        public Integer decode(Message<byte[]> message) {
          throw error;
        }

        @Override
        public String contentType() {
          return "text/x-digits";
        }
      };
    }

    @Test
    void encodesAnewForEachSubscription() {
      Mono<Receipt> send = Outbound.encoding(new Digits(), bytes).send(Message.of(1));
      assertThat(bytes.sent).isEmpty();
      send.block();
      send.block();
      assertThat(bytes.sent).hasSize(2);
    }

    @Test
    void everythingIsRequired() {
      assertThatNullPointerException()
          .isThrownBy(() -> Outbound.encoding(null, bytes))
          .withMessage("codec");
      assertThatNullPointerException()
          .isThrownBy(() -> Outbound.encoding(new Digits(), null))
          .withMessage("bytes");
    }
  }

  @Nested
  class Failures {

    @Test
    void tellWhetherTheMessageCertainlyDidNotArrive() {
      assertThat(SendFailed.permanent("c", "too large", null).isDefinite()).isTrue();
      assertThat(SendFailed.notSent("c", "no broker", null).isDefinite()).isTrue();
      assertThat(SendFailed.unknown("c", "no answer", null).isDefinite()).isFalse();
    }

    @Test
    void tellWhetherAnotherTryMayHelp() {
      ErrorClassifier classifier = ErrorClassifier.defaults();
      assertThat(classifier.classify(SendFailed.permanent("c", "too large", null)))
          .isEqualTo(Kind.POISON);
      assertThat(classifier.classify(SendFailed.notSent("c", "no broker", null)))
          .isEqualTo(Kind.TRANSIENT);
      assertThat(classifier.classify(SendFailed.unknown("c", "no answer", null)))
          .isEqualTo(Kind.TRANSIENT);
    }

    @Test
    void nameTheChannel() {
      assertThat(SendFailed.notSent("bags", "full", null)).hasMessage("bags: full");
    }
  }

  @Nested
  class Info {

    @Test
    void tellsWhatAChannelCanDo() {
      ChannelInfo info = new ChannelInfo("bags", Set.of(Capability.PRIORITY));
      assertThat(info.can(Capability.PRIORITY)).isTrue();
      assertThat(info.can(Capability.DELAY)).isFalse();
    }

    @Test
    void aChannelHasAName() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new ChannelInfo(" ", Set.of()))
          .withMessage("name: \" \" (expected: not blank)");
    }
  }

  private static Message<byte[]> message(String body) {
    return Message.of(body.getBytes(StandardCharsets.UTF_8));
  }

  /** Writes numbers that are not negative as digits. */
  private static final class Digits implements PayloadCodec<Integer> {

    @Override
    public byte[] encode(Message<Integer> message) {
      if (message.payload() < 0) {
        throw new IllegalArgumentException("number: " + message.payload() + " (expected: >= 0)");
      }
      return message.payload().toString().getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public Integer decode(Message<byte[]> message) {
      return Integer.valueOf(new String(message.payload(), StandardCharsets.UTF_8));
    }

    @Override
    public String contentType() {
      return "text/x-digits";
    }
  }
}
