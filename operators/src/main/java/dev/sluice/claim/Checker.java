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
package dev.sluice.claim;

import dev.sluice.Experimental;
import dev.sluice.message.Message;
import dev.sluice.store.PayloadKey;
import dev.sluice.store.PayloadStore;
import dev.sluice.store.PutOptions;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Checks in the payload of one message at a time. Thread-safe. */
@Experimental
public final class Checker {

  private static final int SLICE = 64 * 1024;
  private static final byte[] EMPTY = {};

  private final ClaimSpec spec;
  private final ClaimSigner signer;

  Checker(ClaimSpec spec, Keyring keys) {
    this.spec = spec.check();
    this.signer = new ClaimSigner(Objects.requireNonNull(keys, "keys"));
  }

  /** How many messages should be checked in at once, as the options say. */
  public int concurrency() {
    return spec.concurrency();
  }

  /**
   * Whether payloads are kept for as long as a channel keeps the messages that refer to them.
   * Nothing is asked where {@link ClaimSpec#outlives} has said it.
   *
   * @param channel what the channel is called
   * @param retention for how long it keeps messages
   * @throws IllegalArgumentException if they are not
   */
  public void requireOutlives(String channel, Duration retention) {
    spec.requireOutlives(channel, retention);
  }

  ClaimSpec spec() {
    return spec;
  }

  /**
   * The message as it travels: with its payload, or with a claim instead of it.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>the message, when its payload is stored
   *   <dt>Backpressure
   *   <dd>a payload that is a publisher is asked for as much as the store takes
   *   <dt>Completes/Errors
   *   <dd>with the error of the payload or of the store; with an {@link IllegalArgumentException}
   *       for a payload that is too large, or neither bytes nor a publisher of them
   *   <dt>Cancel
   *   <dd>cancels the payload and the storing, which leaves nothing
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on a thread of the store, or that of the subscriber
   * </dl>
   *
   * @param message its payload is a {@code byte[]} or a {@code Publisher<ByteBuffer>}, which is
   *     subscribed to once for each subscription
   */
  public Mono<Message<byte[]>> check(Message<?> message) {
    Objects.requireNonNull(message, "message");
    return Mono.defer(
        () -> {
          if (message.payload() instanceof byte[] bytes) {
            return bytes.length <= spec.threshold(message)
                // Not just(): it may discard, on a cancel, what it is emitting.
                ? Mono.fromSupplier(() -> inline(message, bytes))
                : store(message, slices(bytes), OptionalLong.of(bytes.length));
          }
          if (message.payload() instanceof Publisher<?> content) {
            return stream(message, content);
          }
          throw new IllegalArgumentException(
              "payload: "
                  + message.payload().getClass().getName()
                  + " (expected: byte[] or a Publisher of ByteBuffer)");
        });
  }

  /**
   * Deletes the payload of a message that was checked in here and will certainly not be sent.
   * Without effect on a message that carries no claim. What cannot be deleted is left to the
   * sweeper.
   *
   * @return completes, never fails
   */
  public Mono<Void> withdraw(Message<?> message) {
    return Mono.defer(
            () -> {
              String signed = message.headers().get(ClaimCheck.HEADER);
              if (signed == null) {
                return Mono.empty();
              }
              Claim claim = signer.verify(signed, spec.clock().instant());
              PayloadStore store = spec.stores().find(claim.store());
              return store == null
                  ? Mono.empty()
                  : store
                      .delete(claim.key())
                      .doOnSuccess(done -> spec.listener().deleted(claim))
                      .onErrorResume(
                          error -> {
                            spec.listener().left(claim, error);
                            return Mono.empty();
                          });
            })
        .onErrorComplete(ClaimRefused.class); // not one of ours
  }

  /** A claim that came with the message is about another payload than the one it has now. */
  private Message<byte[]> inline(Message<?> message, byte[] bytes) {
    spec.listener().inlined(bytes.length);
    Message<byte[]> inline = message.withPayload(bytes);
    return bytes.length > 0 && message.headers().contains(ClaimCheck.HEADER)
        ? inline.withHeaders(message.headers().without(ClaimCheck.HEADER))
        : inline;
  }

  /** Holds back as much as could be inline; when there is more, all of it is stored. */
  private Mono<Message<byte[]>> stream(Message<?> message, Publisher<?> content) {
    Prefix prefix = new Prefix(spec.threshold(message));
    return Flux.from(content)
        .cast(ByteBuffer.class)
        .bufferUntil(prefix)
        .<Message<byte[]>>switchOnFirst(
            (first, all) -> {
              if (first.isOnError()) {
                return Mono.error(Objects.requireNonNull(first.getThrowable()));
              }
              return prefix.exceeded()
                  ? store(message, all.concatMapIterable(chunks -> chunks, 1), OptionalLong.empty())
                  : Mono.just(inline(message, join(first.get(), prefix.size)));
            })
        .singleOrEmpty();
  }

  /** Whether there is more than the threshold so far. One subscription, one signal at a time. */
  private static final class Prefix implements Predicate<ByteBuffer> {

    private final int threshold;
    private int size;

    Prefix(int threshold) {
      this.threshold = threshold;
    }

    @Override
    public boolean test(ByteBuffer chunk) {
      if (!exceeded()) {
        size = (int) Math.min(Integer.MAX_VALUE, (long) size + chunk.remaining());
      }
      return exceeded();
    }

    boolean exceeded() {
      return size > threshold;
    }
  }

  private static byte[] join(@Nullable List<ByteBuffer> chunks, int size) {
    if (chunks == null) {
      return EMPTY;
    }
    ByteBuffer whole = ByteBuffer.allocate(size);
    chunks.forEach(whole::put);
    return whole.array();
  }

  private Mono<Message<byte[]>> store(
      Message<?> message, Flux<ByteBuffer> content, OptionalLong length) {
    PayloadStore store = route(message);
    PayloadKey key = PayloadKey.next(spec.clock().instant().plus(spec.ttl()));
    Coding coding = spec.coding();
    Meter meter = new Meter(spec.maxSize());
    Digest digest = new Digest();
    Flux<ByteBuffer> coded = coding.encode(key, content.doOnNext(meter)).doOnNext(digest::add);
    return store
        .put(key, coded, options(message, length, coding))
        .map(
            stored -> {
              Claim claim =
                  new Claim(
                      store.name(),
                      key,
                      meter.size,
                      digest.size(),
                      digest.end(),
                      coding.deflates(),
                      coding.cipherKey(),
                      spec.audience());
              spec.listener().stored(claim, spec.ttl());
              return message
                  .withPayload(EMPTY)
                  .withHeaders(
                      message.headers().withReserved(ClaimCheck.HEADER, signer.sign(claim)));
            });
  }

  private PayloadStore route(Message<?> message) {
    String name = Objects.requireNonNull(spec.route().apply(message), "the route gave null");
    PayloadStore store = spec.stores().find(name);
    if (store == null) {
      throw new IllegalArgumentException(
          "route: \"" + name + "\" (expected: one of " + spec.stores().byName().keySet() + ")");
    }
    return store;
  }

  /** Counts the bytes of a payload. One subscription, one signal at a time. */
  private static final class Meter implements Consumer<ByteBuffer> {

    private final long max;
    private long size;

    Meter(long max) {
      this.max = max;
    }

    @Override
    public void accept(ByteBuffer chunk) {
      size += chunk.remaining();
      if (size > max) {
        throw new IllegalArgumentException(
            "payload: more than " + max + " bytes (expected: at most that)");
      }
    }
  }

  private static PutOptions options(Message<?> message, OptionalLong length, Coding coding) {
    PutOptions options = PutOptions.defaults();
    if (coding.isNone()) { // else it is no image any more
      try {
        options = options.contentType(message.contentType());
      } catch (IllegalArgumentException e) { // a message may have one that a store cannot keep
        options = PutOptions.defaults();
      }
    }
    OptionalLong stored =
        length.isPresent() ? coding.encodedLength(length.getAsLong()) : OptionalLong.empty();
    return stored.isPresent() ? options.length(stored.getAsLong()) : options;
  }

  /** So that digesting a large array does not hold up its thread for long. */
  private static Flux<ByteBuffer> slices(byte[] bytes) {
    return Flux.generate(
        () -> 0,
        (at, sink) -> {
          int length = Math.min(SLICE, bytes.length - at);
          if (length == 0) {
            sink.complete();
          } else {
            sink.next(ByteBuffer.wrap(bytes, at, length).slice());
          }
          return at + length;
        });
  }
}
