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

import static dev.sluice.claim.ClaimCheck.claimCheck;

import dev.sluice.contract.OperatorContract;
import dev.sluice.contract.UserCode;
import dev.sluice.message.Message;
import dev.sluice.store.ByteRange;
import dev.sluice.store.PayloadKey;
import dev.sluice.store.PayloadStore;
import dev.sluice.store.PutOptions;
import dev.sluice.store.StoredPayload;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The contract of operators, for a claim check of small and large payloads in turn. */
class ClaimCheckContractTest extends OperatorContract<Message<byte[]>, Message<byte[]>> {

  private static final Keyring KEYS = ClaimFixture.keyring();

  @Override
  protected Message<byte[]> element(int n) {
    return Message.builder(new byte[n % 2 == 0 ? 200 : 1]).id("message-" + n).build();
  }

  /** What comes out with a claim is what the store made of what went in. */
  @Override
  protected Object identity(Object item) {
    if (item instanceof StoredPayload stored) {
      return stored.key();
    }
    Message<?> message = (Message<?>) item;
    String signed = message.headers().get(ClaimCheck.HEADER);
    return signed == null
        ? message.id()
        : new ClaimSigner(KEYS).verify(signed, Instant.now()).key();
  }

  @Override
  protected Flux<Message<byte[]>> assemble(List<Flux<Message<byte[]>>> sources, UserCode user) {
    UserStore store = new UserStore(user);
    return sources
        .get(0)
        .transform(
            claimCheck(
                store,
                KEYS,
                c ->
                    c.threshold(100)
                        .concurrency(2)
                        .route(
                            message -> {
                              store.putting = message;
                              return store.name();
                            })));
  }

  /** A put is a worker of the message that is being stored. */
  private static final class UserStore implements PayloadStore {

    private final UserCode user;
    private @Nullable Message<?> putting;

    UserStore(UserCode user) {
      this.user = user;
    }

    @Override
    public String name() {
      return "store";
    }

    @Override
    public Mono<StoredPayload> put(PayloadKey key, Publisher<ByteBuffer> body, PutOptions options) {
      Message<?> message = putting;
      return message == null
          ? Mono.error(new AssertionError("not routed"))
          : Mono.from(
              user.publish("put", message, new StoredPayload(key, 200, "application/x-test")));
    }

    @Override
    public Flux<ByteBuffer> get(PayloadKey key, ByteRange range) {
      return Flux.error(new AssertionError("get"));
    }

    @Override
    public Mono<StoredPayload> stat(PayloadKey key) {
      return Mono.error(new AssertionError("stat"));
    }

    @Override
    public Mono<Void> delete(PayloadKey key) {
      return Mono.error(new AssertionError("delete"));
    }

    @Override
    public Flux<PayloadKey> expired(Instant before, int limit) {
      return Flux.error(new AssertionError("expired"));
    }
  }
}
