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
import dev.sluice.time.Times;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * How clients are told that their operation has ended, if they have said where: a signed {@code
 * POST} (Standard Webhooks), made again until it succeeds or the attempts are used up, that reaches
 * the public internet only.
 *
 * <p>The body says which operation, what has become of it and where its status is; not its result,
 * which the client fetches as always. {@code webhook-id} is the id of the operation, the same in
 * each attempt.
 *
 * <p>The name of the address is looked up once for each connection, and every address that it has
 * must be public; redirects are not followed; of the answer nothing but the status is read.
 *
 * <p>Immutable: each method returns new ones.
 */
@Experimental
public final class Webhooks {

  private static final List<Duration> SCHEDULE =
      List.of(
          Duration.ofSeconds(5),
          Duration.ofMinutes(5),
          Duration.ofMinutes(30),
          Duration.ofHours(2),
          Duration.ofHours(5),
          Duration.ofHours(10),
          Duration.ofHours(14),
          Duration.ofHours(20),
          Duration.ofHours(24));

  final Function<? super String, List<byte[]>> keys;
  String header = "Webhook-Url";
  String publicAt = "";
  boolean plain;
  List<AddressRange> allowed = List.of();
  List<Duration> pauses = SCHEDULE;
  Duration timeout = Duration.ofSeconds(20);
  int concurrency = 16;
  Function<String, Mono<List<InetAddress>>> names = Webhooks::lookUp;

  private Webhooks(Function<? super String, List<byte[]>> keys) {
    this.keys = keys;
  }

  private Webhooks(Webhooks other) {
    keys = other.keys;
    header = other.header;
    publicAt = other.publicAt;
    plain = other.plain;
    allowed = other.allowed;
    pauses = other.pauses;
    timeout = other.timeout;
    concurrency = other.concurrency;
    names = other.names;
  }

  /**
   * Signed with the same secrets for all callers.
   *
   * @param secrets {@code whsec_} and 24 to 64 bytes in base64; one or, while they are changed, two
   * @throws IllegalArgumentException if one is anything else, or there is none
   */
  public static Webhooks signedWith(String... secrets) {
    List<byte[]> keys = keys(Arrays.asList(secrets));
    return new Webhooks(caller -> keys);
  }

  /**
   * Signed with the secrets of the caller.
   *
   * @param secrets for a caller, as for {@link #signedWith}; called for each attempt, and must not
   *     block. Without them, because it throws or gives none, the attempt has failed
   */
  public static Webhooks signedFor(Function<? super String, List<String>> secrets) {
    Objects.requireNonNull(secrets, "secrets");
    return new Webhooks(caller -> keys(secrets.apply(caller)));
  }

  private static List<byte[]> keys(List<String> secrets) {
    if (secrets.isEmpty()) {
      throw new IllegalArgumentException("secrets: none (expected: at least 1)");
    }
    return secrets.stream().map(WebhookSigner::key).toList();
  }

  /** The header in which a client says where. Defaults to {@code Webhook-Url}. */
  public Webhooks header(String name) {
    Webhooks copy = new Webhooks(this);
    copy.header = Objects.requireNonNull(name, "name");
    return copy;
  }

  /**
   * What stands before the path of the status in callbacks, which nobody has asked for under any
   * name. Defaults to nothing: the path alone.
   *
   * @throws IllegalArgumentException if it is no address of http or https
   */
  public Webhooks publicAt(URI base) {
    HttpAsk.requireHttp("publicAt", base);
    Webhooks copy = new Webhooks(this);
    copy.publicAt = base.toString().replaceAll("/+$", "");
    return copy;
  }

  /** Lets addresses be of http too; by default they are of https. */
  public Webhooks plainToo() {
    Webhooks copy = new Webhooks(this);
    copy.plain = true;
    return copy;
  }

  /**
   * Lets addresses be in networks that are not public, but are meant.
   *
   * @param ranges addresses, or ranges such as {@code 10.20.0.0/16}
   * @throws IllegalArgumentException if one is neither
   */
  public Webhooks allowing(String... ranges) {
    Webhooks copy = new Webhooks(this);
    copy.allowed = Arrays.stream(ranges).map(range -> AddressRange.of("allowing", range)).toList();
    return copy;
  }

  /**
   * The pauses before further attempts, each a quarter longer or shorter at random; a receiver that
   * says {@code Retry-After} gets a longer one. After the last attempt, and when the result is not
   * retained any more, nobody is told. Defaults to 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h,
   * 24 h.
   *
   * @param pauses none for a single attempt; each more than zero, at most 365 days
   * @throws IllegalArgumentException if one is out of range
   */
  public Webhooks pauses(Duration... pauses) {
    for (Duration pause : pauses) {
      Times.positive("pauses", pause);
    }
    Webhooks copy = new Webhooks(this);
    copy.pauses = List.of(pauses);
    return copy;
  }

  /**
   * How long an attempt may take. Defaults to 20 s.
   *
   * @param timeout 100 ms to 5 minutes
   * @throws IllegalArgumentException if out of range
   */
  public Webhooks timeout(Duration timeout) {
    Times.between("timeout", timeout, Duration.ofMillis(100), Duration.ofMinutes(5));
    Webhooks copy = new Webhooks(this);
    copy.timeout = timeout;
    return copy;
  }

  /**
   * How many callbacks this instance makes at once. Defaults to 16.
   *
   * @param callbacks 1..1000
   * @throws IllegalArgumentException if out of range
   */
  public Webhooks concurrency(int callbacks) {
    if (callbacks < 1 || callbacks > 1_000) {
      throw new IllegalArgumentException("concurrency: " + callbacks + " (expected: 1..1000)");
    }
    Webhooks copy = new Webhooks(this);
    copy.concurrency = callbacks;
    return copy;
  }

  /** Looks names up in another way than the operating system does. */
  Webhooks names(Function<String, Mono<List<InetAddress>>> names) {
    Webhooks copy = new Webhooks(this);
    copy.names = names;
    return copy;
  }

  private static Mono<List<InetAddress>> lookUp(String host) {
    return Mono.fromCallable(() -> List.of(InetAddress.getAllByName(host)))
        .subscribeOn(Schedulers.boundedElastic()); // it blocks
  }

  /** Why an address is refused, as far as it can be told without looking up its name; or null. */
  @Nullable String refusal(String url) {
    URI uri;
    try {
      uri = new URI(url);
    } catch (URISyntaxException e) {
      return "it is no address";
    }
    String host = uri.getHost();
    boolean scheme =
        "https".equalsIgnoreCase(uri.getScheme())
            || (plain && "http".equalsIgnoreCase(uri.getScheme()));
    if (!scheme || host == null || uri.getRawUserInfo() != null || uri.getRawFragment() != null) {
      return "it has to be an address of " + (plain ? "http or https" : "https") + " alone";
    }
    InetAddress literal = AddressRange.literal(host.replaceAll("[\\[\\]]", ""));
    return literal != null && !new PublicAddresses(allowed).contains(literal)
        ? "it has to be a public address"
        : null;
  }
}
