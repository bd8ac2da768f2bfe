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

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.memory.MemoryOperationStore;
import dev.sluice.store.Content;
import dev.sluice.store.Operation;
import dev.sluice.store.OperationStore;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerResponse;

class WebhooksTest {

  private static final String SECRET =
      "whsec_" + Base64.getEncoder().encodeToString("a secret of twenty-four!".getBytes(UTF_8));
  private static final String OTHER =
      "whsec_" + Base64.getEncoder().encodeToString("another one of that size".getBytes(UTF_8));

  private record Received(Map<String, String> headers, String body) {}

  private final AtomicInteger connections = new AtomicInteger();
  private final ConcurrentLinkedQueue<Received> received = new ConcurrentLinkedQueue<>();
  private final BlockingQueue<Function<HttpServerResponse, Mono<Void>>> script =
      new LinkedBlockingQueue<>();
  private final List<AutoCloseable> open = new ArrayList<>();
  private final MemoryOperationStore store = MemoryOperationStore.create(100);
  private final DisposableServer receiver = receiver();
  private AsyncOperations operations;

  /** Answers as the script says, then 204. */
  private DisposableServer receiver() {
    DisposableServer server =
        HttpServer.create()
            .host("127.0.0.1")
            .port(0)
            .doOnConnection(connection -> connections.incrementAndGet())
            .handle(
                (request, response) ->
                    request
                        .receive()
                        .aggregate()
                        .asString()
                        .defaultIfEmpty("")
                        .flatMap(
                            body -> {
                              Map<String, String> headers = new ConcurrentHashMap<>();
                              request
                                  .requestHeaders()
                                  .forEach(h -> headers.put(h.getKey(), h.getValue()));
                              received.add(new Received(headers, body));
                              Function<HttpServerResponse, Mono<Void>> answer = script.poll();
                              return answer == null
                                  ? response.status(204).send()
                                  : answer.apply(response);
                            }))
            .bindNow();
    open.add(() -> server.disposeNow(Await.PATIENCE));
    return server;
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable closeable : open) {
      closeable.close();
    }
  }

  private Site site(UnaryOperator<Webhooks> webhooks) {
    Webhooks plain =
        Webhooks.signedWith(SECRET)
            .plainToo()
            .pauses(Duration.ofMillis(20), Duration.ofMillis(20), Duration.ofMillis(20));
    operations =
        AsyncOperations.create(
            "claims",
            store,
            run ->
                new String(run.request().bytes(), UTF_8).equals("unlucky")
                    ? Mono.error(new OperationFailed(Problem.of(422, "no-such-bag", "No")))
                    : Mono.just(OperationResult.nothing()),
            s -> s.webhooks(webhooks.apply(plain)).pollInterval(Duration.ofMillis(20)));
    AsyncOperations.Working working = operations.start();
    Site site = new Site(Site.Adapter.REACTOR_NETTY, operations);
    open.add(site);
    open.add(() -> working.stop(Duration.ZERO).block(Await.PATIENCE));
    return site;
  }

  private Site local() {
    return site(w -> w.allowing("127.0.0.0/8"));
  }

  private String receiverUrl() {
    return "http://127.0.0.1:" + receiver.port() + "/ended";
  }

  private static HttpResponse<String> submit(Site site, String what, String url) {
    return site.post("/claims", what, "Webhook-Url", url);
  }

  private void awaitReceived(int number) {
    Await.until("callback " + number, () -> received.size() >= number);
  }

  // == what is sent ==

  @Test
  void tellsThatItHasEndedAndSignsIt() throws Exception {
    Site site = site(w -> w.allowing("127.0.0.1").publicAt(URI.create("https://a.example/")));
    HttpResponse<String> accepted = submit(site, "bag", receiverUrl());
    String at = Site.header(accepted, "Location");
    String id = at.substring(at.lastIndexOf('/') + 1);
    awaitReceived(1);
    Received callback = received.peek();
    assertThat(callback.body())
        .isEqualTo(
            "{\"type\":\"operation.succeeded\",\"data\":{\"id\":\""
                + id
                + "\",\"status\":\"succeeded\",\"location\":\"https://a.example"
                + at
                + "\"}}");
    assertThat(callback.headers()).containsEntry("webhook-id", id);
    long seconds = Long.parseLong(callback.headers().get("webhook-timestamp"));
    assertThat(Instant.ofEpochSecond(seconds))
        .isBetween(Instant.now().minusSeconds(60), Instant.now().plusSeconds(60));
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec("a secret of twenty-four!".getBytes(UTF_8), "HmacSHA256"));
    byte[] signed = mac.doFinal((id + "." + seconds + "." + callback.body()).getBytes(UTF_8));
    assertThat(callback.headers())
        .containsEntry("webhook-signature", "v1," + Base64.getEncoder().encodeToString(signed));
    Await.until("it to be counted", () -> operations.stats().callbacks() == 1);
  }

  /** The example of the Standard Webhooks specification. */
  @Test
  void signsAsTheStandardSays() {
    byte[] key = WebhookSigner.key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    assertThat(
            WebhookSigner.sign(
                List.of(key),
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1614265330L,
                "{\"test\": 2432232314}".getBytes(UTF_8)))
        .isEqualTo("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  }

  @Test
  void signsWithEachSecretWhileTheyAreChanged() {
    Site site = local();
    Webhooks both = Webhooks.signedWith(SECRET, OTHER);
    assertThat(WebhookSigner.sign(both.keys.apply("alice"), "a", 1, new byte[0]).split(" ", -1))
        .hasSize(2)
        .allMatch(signature -> signature.startsWith("v1,"));
    submit(site, "unlucky", receiverUrl());
    awaitReceived(1);
    assertThat(received.peek().body()).contains("operation.failed");
  }

  @Test
  void signsWithTheSecretsOfTheCaller() {
    AtomicInteger asked = new AtomicInteger();
    Function<String, List<String>> secrets =
        caller -> {
          if (asked.getAndIncrement() == 0) {
            throw new IllegalStateException("the vault is away");
          }
          return List.of(caller.equals("alice") ? OTHER : SECRET);
        };
    Site site =
        site(
            w ->
                Webhooks.signedFor(secrets)
                    .plainToo()
                    .allowing("127.0.0.0/8")
                    .pauses(Duration.ofMillis(20)));
    submit(site, "bag", receiverUrl());
    awaitReceived(1);
    Received callback = received.peek();
    assertThat(callback.headers())
        .containsEntry(
            "webhook-signature",
            WebhookSigner.sign(
                List.of(WebhookSigner.key(OTHER)),
                callback.headers().get("webhook-id"),
                Long.parseLong(callback.headers().get("webhook-timestamp")),
                callback.body().getBytes(UTF_8)));
    Await.until("it to be counted", () -> operations.stats().callbacks() == 1);
    assertThat(operations.stats().callbackFailures()).isOne(); // the one without secrets
  }

  // == again ==

  @Test
  void isMadeAgainWithTheSameIdUntilItSucceeds() {
    script.add(response -> response.status(500).send());
    script.add(
        response -> {
          response.withConnection(connection -> connection.channel().close());
          return Mono.never();
        });
    script.add(response -> response.status(301).header("Location", receiverUrl()).send());
    submit(local(), "bag", receiverUrl());
    Await.until("it to succeed", () -> operations.stats().callbacks() == 1);
    assertThat(received).hasSize(4);
    assertThat(received.stream().map(callback -> callback.headers().get("webhook-id")).distinct())
        .hasSize(1);
    assertThat(operations.stats().callbackFailures()).isEqualTo(3);
    assertThat(operations.stats().callbacksGivenUp()).isZero();
  }

  @Test
  void isGivenUpWhenItsAttemptsAreUsedUp() {
    for (int i = 0; i < 10; i++) {
      script.add(response -> response.status(500).send());
    }
    submit(local(), "bag", receiverUrl());
    Await.until("it to be given up", () -> operations.stats().callbacksGivenUp() == 1);
    assertThat(received).hasSize(4);
  }

  @Test
  void isNotMadeAgainWhereNobodyWantsIt() {
    script.add(response -> response.status(410).send());
    submit(local(), "bag", receiverUrl());
    Await.until("it to be given up", () -> operations.stats().callbacksGivenUp() == 1);
    assertThat(received).hasSize(1);
  }

  @Test
  void leavesABusyReceiverAlone() {
    script.add(response -> response.status(429).header("Retry-After", "3600").send());
    submit(local(), "bag", receiverUrl());
    Await.until("it to fail", () -> operations.stats().callbackFailures() == 1);
    Await.until(
        "it to be put off",
        () -> store.claimCallbacks("claims", 1, Duration.ofSeconds(1)).blockFirst() == null);
    assertThat(received).hasSize(1);
  }

  @Test
  void tellsThatItWasCancelled() {
    Site site = local();
    String id = "cancelled-before-it-was-begun";
    store
        .accept(
            new OperationStore.NewOperation(
                id,
                "claims",
                "alice",
                null,
                Content.of("", new byte[0]),
                receiverUrl(),
                Duration.ofHours(1),
                Duration.ZERO))
        .then(store.cancel(id))
        .block();
    site.delete("/claims/operations/" + id);
    awaitReceived(1);
    assertThat(received.peek().body()).contains("operation.cancelled");
  }

  // == where nothing is sent ==

  @ParameterizedTest
  @ValueSource(
      strings = {
        "127.0.0.1",
        "10.0.0.1",
        "172.16.5.4",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[::127.0.0.1]",
        "[fe80::1]",
        "[fd00::1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "[ff02::1]"
      })
  void refusesAnAddressThatIsNotPublic(String host) {
    Site site = site(w -> w);
    HttpResponse<String> response =
        submit(site, "bag", "http://" + host + ":" + receiver.port() + "/");
    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(response.body()).contains("callback-refused");
    assertThat(connections).hasValue(0);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ftp://a.example/",
        "file:///etc/passwd",
        "//a.example/",
        "a.example",
        "http://u:p@a.example/",
        "http://a.example/#f",
        "http:///path",
        "gopher://a.example/",
        "http://a b/"
      })
  void refusesWhatIsNoAddressOfTheWeb(String url) {
    assertThat(submit(site(w -> w), "bag", url).statusCode()).isEqualTo(400);
  }

  @Test
  void wantsHttpsUnlessToldOtherwise() {
    assertThat(Webhooks.signedWith(SECRET).refusal("http://a.example/")).isNotNull();
    assertThat(Webhooks.signedWith(SECRET).refusal("https://a.example/")).isNull();
    assertThat(Webhooks.signedWith(SECRET).plainToo().refusal("http://a.example/")).isNull();
    assertThat(Webhooks.signedWith(SECRET).refusal("https://8.8.8.8/")).isNull();
    assertThat(Webhooks.signedWith(SECRET).refusal("https://[2606:4700::1111]/")).isNull();
  }

  @Test
  void knowsWhatIsPublic() {
    PublicAddresses none = new PublicAddresses(List.of());
    assertThat(List.of("8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111"))
        .allMatch(text -> none.contains(AddressRange.literal(text)));
  }

  /** As a resolver can return it: the constructors of the JDK would make an IPv4 address of it. */
  @Test
  void knowsAMappedAddressThatWasNotConverted() throws UnknownHostException {
    PublicAddresses none = new PublicAddresses(List.of());
    byte[] mapped = new byte[16];
    mapped[10] = -1;
    mapped[11] = -1;
    mapped[12] = 127;
    mapped[15] = 1;
    InetAddress address = Inet6Address.getByAddress(null, mapped, -1);
    assertThat(address.getAddress()).hasSize(16);
    assertThat(none.contains(address)).isFalse();
  }

  private static Mono<List<InetAddress>> found(String... addresses) {
    return Mono.just(Arrays.stream(addresses).map(AddressRange::literal).toList());
  }

  @Test
  void connectsToNoNameWithAnAddressThatIsNotPublic() {
    Map<String, String[]> addresses =
        Map.of(
            "inside.example", new String[] {"127.0.0.1"},
            "also-inside.example", new String[] {"8.8.8.8", "127.0.0.1"},
            "mapped.example", new String[] {"::ffff:127.0.0.1"});
    Site site = site(w -> w.names(host -> found(Objects.requireNonNull(addresses.get(host)))));
    addresses
        .keySet()
        .forEach(host -> submit(site, "bag", "http://" + host + ":" + receiver.port() + "/"));
    Await.until("them to be given up", () -> operations.stats().callbacksGivenUp() == 3);
    assertThat(connections).hasValue(0);
  }

  /** The first look-up gives a harmless address, every later one that of the receiver. */
  @Test
  void doesNotLookAgainBetweenTheCheckAndTheConnection() {
    AtomicInteger lookUps = new AtomicInteger();
    Site site =
        site(
            w ->
                w.allowing("127.0.0.2")
                    .names(
                        host -> found(lookUps.incrementAndGet() == 1 ? "127.0.0.2" : "127.0.0.1")));
    submit(site, "bag", "http://rebinding.example:" + receiver.port() + "/");
    Await.until("it to be given up", () -> operations.stats().callbacksGivenUp() == 1);
    assertThat(lookUps).hasValue(2); // one for each attempt: the first was refused by nobody's port
    assertThat(operations.stats().callbackFailures()).isEqualTo(1);
    assertThat(connections).hasValue(0);
  }

  @Test
  void followsNoRedirect() {
    AtomicInteger redirected = new AtomicInteger();
    DisposableServer inside =
        HttpServer.create()
            .host("127.0.0.1")
            .port(0)
            .doOnConnection(connection -> redirected.incrementAndGet())
            .handle((request, response) -> response.send())
            .bindNow();
    open.add(() -> inside.disposeNow(Await.PATIENCE));
    for (int status : List.of(301, 302, 303, 307, 308)) {
      script.add(
          response ->
              response
                  .status(status)
                  .header("Location", "http://127.0.0.1:" + inside.port() + "/")
                  .send());
    }
    Site site = site(w -> w.allowing("127.0.0.1").pauses());
    for (int i = 0; i < 5; i++) {
      submit(site, "bag-" + i, receiverUrl());
    }
    Await.until("all to be given up", () -> operations.stats().callbacksGivenUp() == 5);
    assertThat(received).hasSize(5);
    assertThat(redirected).hasValue(0);
  }

  @Test
  void readsNothingOfAnAnswerButItsStatus() {
    Leaks.watch();
    AtomicInteger closed = new AtomicInteger();
    script.add(
        response -> {
          response.withConnection(
              connection ->
                  connection
                      .channel()
                      .closeFuture()
                      .addListener(future -> closed.incrementAndGet()));
          return response
              .sendString(Flux.<String>generate(sink -> sink.next("x".repeat(10_000))))
              .then();
        });
    submit(local(), "bag", receiverUrl());
    Await.until("it to be made", () -> operations.stats().callbacks() == 1);
    Await.until("the connection to be closed", () -> closed.get() == 1);
    Leaks.assertNone();
  }

  @Test
  void doesNotWaitForAReceiverForLong() {
    Site site = site(w -> w.allowing("127.0.0.1").timeout(Duration.ofMillis(200)).pauses());
    int made = 0;
    while (received.isEmpty()) { // a busy machine may not get as far as the receiver in that time
      assertThat(made).as("callbacks that were not heard of").isLessThan(100);
      script.add(response -> Mono.never());
      submit(site, "bag-" + made, receiverUrl());
      int all = ++made;
      Await.until("it to be given up", () -> operations.stats().callbacksGivenUp() == all);
    }
    assertThat(operations.stats().callbacks()).isZero();
  }

  // == assembly ==

  @Test
  void refusesWhatIsOutOfRange() {
    assertThatIllegalArgumentException()
        .isThrownBy(Webhooks::signedWith)
        .withMessage("secrets: none (expected: at least 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Webhooks.signedWith("a secret"))
        .withMessage("secret: not shown (expected: whsec_ and base64)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Webhooks.signedWith("whsec_AAAA"))
        .withMessage("secret: 3 bytes (expected: 24..64)");
    Webhooks webhooks = Webhooks.signedWith(SECRET);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> webhooks.timeout(Duration.ZERO))
        .withMessage("timeout: PT0S (expected: PT0.1S..PT5M)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> webhooks.pauses(Duration.ZERO))
        .withMessage("pauses: PT0S (expected: > PT0S, <= PT8760H)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> webhooks.concurrency(0))
        .withMessage("concurrency: 0 (expected: 1..1000)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> webhooks.allowing("inside"))
        .withMessageStartingWith("allowing: inside (expected: an address");
  }

  @Test
  void readsNoHeaderThatItWasNotToldOf() {
    AsyncOperations without = AsyncOperations.create("claims", store, run -> Mono.empty(), s -> s);
    try (Site site = new Site(Site.Adapter.REACTOR_NETTY, without)) {
      HttpResponse<String> accepted = submit(site, "bag", "http://127.0.0.1/");
      assertThat(accepted.statusCode()).isEqualTo(202);
      String at = Site.header(accepted, "Location");
      Operation operation = store.find(at.substring(at.lastIndexOf('/') + 1)).block();
      assertThat(operation).isNotNull();
      store.cancel(operation.id()).block();
      assertThat(store.claimCallbacks("claims", 1, Duration.ofSeconds(1)).blockFirst()).isNull();
    }
  }
}
