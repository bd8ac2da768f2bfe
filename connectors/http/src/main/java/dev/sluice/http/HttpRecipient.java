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
package dev.sluice.http;

import dev.sluice.Experimental;
import dev.sluice.channel.Recipient;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;

/**
 * A service that a scatter asks over HTTP. When nobody needs its answer any more the connection is
 * closed, so that the service can notice; whoever asks with a deadline does not wait beyond it.
 *
 * <p>Give a scatter of several a bulkhead that is not larger than the connections of the client's
 * pool for one host, or asks wait in the pool, where they are not seen.
 *
 * @param <T> what is asked
 * @param <R> what is answered
 */
@Experimental
public final class HttpRecipient<T, R> implements Recipient<T, R> {

  private static final int MAX_ANSWER = 1 << 20;

  private final String name;
  private final Exchanges exchanges;
  private final HttpClient client;
  private final Function<? super T, HttpAsk> ask;
  private final Function<? super T, HttpAsk> hedge;
  private final Function<? super HttpAnswer, ? extends R> decode;

  private HttpRecipient(
      String name,
      HttpClient client,
      int maxAnswer,
      Function<? super T, HttpAsk> ask,
      Function<? super T, HttpAsk> hedge,
      Function<? super HttpAnswer, ? extends R> decode) {
    this.name = Objects.requireNonNull(name, "name");
    this.client = Objects.requireNonNull(client, "client");
    this.exchanges = new Exchanges(client, maxAnswer);
    this.ask = Objects.requireNonNull(ask, "ask");
    this.hedge = Objects.requireNonNull(hedge, "hedge");
    this.decode = Objects.requireNonNull(decode, "decode");
  }

  /**
   * A recipient.
   *
   * @param name what it is called in results and metrics
   * @param client sends the requests; its own retries and redirects are switched off
   * @param ask the request for what is asked
   * @param decode the answer from one with a status from 200 to 299 but 204, at most 1 MiB; 204 and
   *     404 are no answer, and anything else is an error, {@link HttpRefused}. Must not return null
   */
  public static <T, R> HttpRecipient<T, R> create(
      String name,
      HttpClient client,
      Function<? super T, HttpAsk> ask,
      Function<? super HttpAnswer, ? extends R> decode) {
    return new HttpRecipient<>(name, client, MAX_ANSWER, ask, ask, decode);
  }

  /** The same with hedges that are sent elsewhere, such as to another replica. */
  public HttpRecipient<T, R> hedging(Function<? super T, HttpAsk> hedge) {
    return new HttpRecipient<>(name, client, MAX_ANSWER, ask, hedge, decode);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Publisher<R> ask(T request) {
    return exchanged(ask, request);
  }

  @Override
  public Publisher<R> hedge(T request) {
    return exchanged(hedge, request);
  }

  private Mono<R> exchanged(Function<? super T, HttpAsk> how, T request) {
    return Mono.deferContextual(
        context -> {
          HttpAsk sent = how.apply(request);
          return exchanged(sent, context.getOrDefault(DEADLINE, null))
              .flatMap(answer -> answer(sent, answer));
        });
  }

  private Mono<HttpAnswer> exchanged(HttpAsk sent, @Nullable Instant deadline) {
    if (deadline == null) {
      return exchanges.exchange(sent);
    }
    Duration left = Duration.between(Instant.now(), deadline);
    return left.toMillis() < 1
        ? Mono.error(new TimeoutException(name + ": the deadline is over"))
        : exchanges.exchange(sent, left);
  }

  private Mono<R> answer(HttpAsk sent, HttpAnswer answer) {
    int status = answer.status();
    if (status == 204 || status == 404) {
      return Mono.empty();
    }
    if (status < 200 || status > 299) {
      return Mono.error(new HttpRefused(sent.method() + " " + sent.uri(), answer));
    }
    return Mono.fromSupplier(() -> decode.apply(answer));
  }

  @Override
  public String toString() {
    return name;
  }
}
