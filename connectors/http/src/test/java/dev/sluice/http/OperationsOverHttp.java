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

import static dev.sluice.http.Site.header;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.http.OperationsSpec.KeyPolicy;
import dev.sluice.http.OperationsSpec.WhileRunning;
import dev.sluice.http.Problem.FieldError;
import dev.sluice.memory.MemoryOperationStore;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** What a client sees, whatever serves it: each adapter has a subclass. */
abstract class OperationsOverHttp {

  private final SetClock clock = new SetClock();
  private final MemoryOperationStore store = MemoryOperationStore.create(1_000, clock);
  private final AtomicInteger begun = new AtomicInteger();
  private final Set<String> cancelled = ConcurrentHashMap.newKeySet();
  private final Sinks.One<OperationResult> gate = Sinks.one();
  private final List<AutoCloseable> open = new ArrayList<>();

  abstract Site.Adapter adapter();

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable closeable : open) {
      closeable.close();
    }
  }

  /** What is asked for says what becomes of it. */
  private Mono<OperationResult> work(OperationRun run) {
    begun.incrementAndGet();
    String what = new String(run.request().bytes(), UTF_8);
    return switch (what) {
      case "wait" -> gate.asMono().doOnCancel(() -> cancelled.add(run.id()));
      case "half" -> {
        run.progress(50, "half of it");
        yield gate.asMono();
      }
      case "elsewhere" -> Mono.just(OperationResult.at("/bags/42"));
      case "outside" -> Mono.just(OperationResult.at("//evil.example/bags/42"));
      case "nothing" -> Mono.empty();
      case "unlucky" ->
          Mono.error(new OperationFailed(new Problem(422, "no-such-bag", "No such bag", "tag 42")));
      case "broken" -> Mono.error(new IllegalStateException("the password is secret"));
      default -> Mono.just(OperationResult.of("text/plain", ("found " + what).getBytes(UTF_8)));
    };
  }

  private AsyncOperations operations(UnaryOperator<OperationsSpec> spec) {
    return AsyncOperations.create(
        "claims",
        store,
        this::work,
        s -> spec.apply(s.resultsBelow("/bags/").pollInterval(Duration.ofMillis(20))));
  }

  private Site site(UnaryOperator<OperationsSpec> spec) {
    AsyncOperations operations = operations(spec);
    AsyncOperations.Working working = operations.start();
    Site site = new Site(adapter(), operations);
    open.add(site);
    open.add(() -> working.stop(Duration.ZERO).block(Await.PATIENCE));
    return site;
  }

  private Site site() {
    return site(s -> s);
  }

  /** One that accepts and answers, and works on nothing. */
  private Site idleSite(UnaryOperator<OperationsSpec> spec) {
    Site site = new Site(adapter(), operations(spec));
    open.add(site);
    return site;
  }

  private static String submitted(Site site, String what, String... headers) {
    HttpResponse<String> response = site.post("/claims", what, headers);
    assertThat(response.statusCode()).as(response.body()).isEqualTo(202);
    return header(response, "Location");
  }

  private static void isProblem(HttpResponse<String> response, int status, String code) {
    assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
    assertThat(header(response, "Content-Type")).isEqualTo("application/problem+json");
    assertThat(response.body())
        .contains("\"type\":\"about:blank\"", "\"status\":" + status, "\"code\":\"" + code + '"');
  }

  // == accepting ==

  @Test
  void answers202WithALocationAndWhenToAsk() {
    Site site = idleSite(s -> s);
    HttpResponse<String> response = site.post("/claims", "bag");
    assertThat(response.statusCode()).isEqualTo(202);
    assertThat(header(response, "Location")).matches("/claims/operations/[A-Za-z0-9_-]{32}");
    assertThat(header(response, "Retry-After")).isEqualTo("1");
    assertThat(header(response, "Cache-Control")).isEqualTo("no-store");
    assertThat(header(response, "Content-Type")).isEqualTo("application/json");
    assertThat(response.body()).contains("\"status\":\"pending\"");
    String id = header(response, "Location").substring("/claims/operations/".length());
    assertThat(store.find(id).block().caller()).isEqualTo("alice");
  }

  @Test
  void worksOnWhatAnotherInstanceHasAccepted() {
    Site front = idleSite(s -> s);
    String at = submitted(front, "bag");
    site();
    front.until(response -> response.statusCode() == 302, at);
  }

  @Test
  void refusesWhatIsTooLarge() {
    Site site = idleSite(s -> s.maxBody(1_000));
    isProblem(site.post("/claims", "x".repeat(1_001)), 413, "too-large");
    HttpRequest chunked =
        site.request("/claims")
            .POST(
                HttpRequest.BodyPublishers.fromPublisher(
                    HttpRequest.BodyPublishers.ofString("x".repeat(1_001))))
            .build();
    isProblem(site.send(chunked), 413, "too-large");
    assertThat(site.post("/claims", "x".repeat(1_000)).statusCode()).isEqualTo(202);
  }

  @Test
  void acceptsNothingThatIsNotAdmitted() {
    List<FieldError> wrong = List.of(new FieldError("tag", "\"12\" (expected: 10 digits)"));
    Site site =
        idleSite(
            s ->
                s.admission(
                    request ->
                        request.content().bytes().length == 10
                            ? Mono.empty()
                            : Mono.error(
                                new OperationFailed(
                                    new Problem(422, "invalid", "No such tag", null, wrong)))));
    HttpResponse<String> refusal = site.post("/claims", "12", "Idempotency-Key", "k");
    isProblem(refusal, 422, "invalid");
    assertThat(refusal.body())
        .contains(
            "\"errors\":[{\"field\":\"tag\",\"detail\":\"\\\"12\\\" (expected: 10 digits)\"}]");
    assertThat(header(refusal, "Location")).isNull();
    assertThat(store.claim("claims", 10, Duration.ofHours(1)).collectList().block()).isEmpty();
    submitted(site, "0016123456", "Idempotency-Key", "k");
  }

  @Test
  void saysWhenToAskAgainWhereItIsTooMuch() {
    Site site =
        idleSite(
            s ->
                s.admission(
                    request ->
                        Mono.error(
                            OperationFailed.retryAfter(
                                Problem.of(429, "too-many", "Too many claims"),
                                Duration.ofMillis(61_500)))));
    HttpResponse<String> refusal = site.post("/claims", "bag");
    isProblem(refusal, 429, "too-many");
    assertThat(header(refusal, "Retry-After")).isEqualTo("62");
  }

  @Test
  void knowsItsMethodsAndPaths() {
    Site site = idleSite(s -> s);
    HttpResponse<String> get = site.get("/claims");
    isProblem(get, 405, "method-not-allowed");
    assertThat(header(get, "Allow")).isEqualTo("POST");
    String at = submitted(site, "bag");
    HttpResponse<String> post = site.post(at, "");
    isProblem(post, 405, "method-not-allowed");
    assertThat(header(post, "Allow")).isEqualTo("GET, DELETE");
    isProblem(site.get("/claims/operations/unknown"), 404, "unknown");
    isProblem(site.get("/claims/operations/" + "x".repeat(500)), 404, "unknown");
    assertThat(site.get("/elsewhere").statusCode()).isEqualTo(404);
  }

  @Test
  void needsToKnowWhoAsks() {
    Site site = idleSite(s -> s);
    HttpRequest nobody =
        HttpRequest.newBuilder(site.uri("/claims"))
            .POST(HttpRequest.BodyPublishers.ofString("bag"))
            .build();
    isProblem(site.send(nobody), 401, "unauthenticated");
  }

  @Test
  void tellsNobodyOfTheOperationsOfOthers() {
    Site site = site();
    String at = submitted(site, "bag");
    site.until(response -> response.statusCode() == 302, at);
    isProblem(site.get(at, "Caller", "mallory"), 404, "unknown");
    isProblem(site.get(at + "/result", "Caller", "mallory"), 404, "unknown");
    isProblem(site.delete(at, "Caller", "mallory"), 404, "unknown");
    isProblem(site.get(at, "Caller", "mallory", "Accept", "text/event-stream"), 404, "unknown");
  }

  // == the status ==

  @Test
  void tellsHowFarItIsThenSendsToTheResult() {
    Site site = site();
    String at = submitted(site, "half");
    HttpResponse<String> half =
        site.until(response -> response.body().contains("\"percent\":50"), at);
    assertThat(half.statusCode()).isEqualTo(202);
    assertThat(half.body()).contains("\"status\":\"running\"", "\"note\":\"half of it\"");
    assertThat(header(half, "Retry-After")).isNotNull();
    isProblem(site.get(at + "/result"), 404, "pending");
    gate.tryEmitValue(OperationResult.of("text/plain", "found".getBytes(UTF_8)));
    HttpResponse<String> done = site.until(response -> response.statusCode() != 202, at);
    assertThat(done.statusCode()).isEqualTo(302);
    assertThat(header(done, "Location")).isEqualTo(at + "/result");
    assertThat(done.body()).contains("\"status\":\"succeeded\"");
    HttpResponse<String> result = site.get(header(done, "Location"));
    assertThat(result.statusCode()).isEqualTo(200);
    assertThat(result.body()).isEqualTo("found");
    assertThat(header(result, "Content-Type")).isEqualTo("text/plain");
    assertThat(header(result, "X-Content-Type-Options")).isEqualTo("nosniff");
  }

  @Test
  void redirectsWith303IfThatIsWanted() {
    Site site = site(OperationsSpec::seeOther);
    String at = submitted(site, "bag");
    assertThat(site.until(response -> response.statusCode() != 202, at).statusCode())
        .isEqualTo(303);
  }

  @Test
  void sendsToAResultThatIsElsewhere() {
    Site site = site();
    String at = submitted(site, "elsewhere");
    HttpResponse<String> done = site.until(response -> response.statusCode() != 202, at);
    assertThat(done.statusCode()).isEqualTo(302);
    assertThat(header(done, "Location")).isEqualTo("/bags/42");
    assertThat(header(site.get(at + "/result"), "Location")).isEqualTo("/bags/42");
  }

  @Test
  void sendsNobodyToAnotherHost() {
    Site site = site();
    String at = submitted(site, "outside");
    isProblem(site.until(response -> response.statusCode() != 202, at), 500, "failed");
  }

  @Test
  void hasNoContentIfThereIsNoResult() {
    Site site = site();
    String at = submitted(site, "nothing");
    HttpResponse<String> done = site.until(response -> response.statusCode() != 202, at);
    assertThat(site.get(header(done, "Location")).statusCode()).isEqualTo(204);
  }

  @Test
  void saysWhyItHasFailed() {
    Site site = site();
    String at = submitted(site, "unlucky");
    HttpResponse<String> failed = site.until(response -> response.statusCode() != 202, at);
    isProblem(failed, 422, "no-such-bag");
    assertThat(failed.body()).contains("\"detail\":\"tag 42\"");
    isProblem(site.get(at + "/result"), 422, "no-such-bag");
  }

  @Test
  void tellsNoSecretsOfAFailure() {
    Site site = site();
    String at = submitted(site, "broken");
    HttpResponse<String> failed = site.until(response -> response.statusCode() != 202, at);
    isProblem(failed, 500, "failed");
    assertThat(failed.body()).doesNotContain("password");
  }

  @Test
  void isGoneWhenTheRetentionIsOverAndUnknownAfterThat() {
    Site site = site(s -> s.retention(Duration.ofHours(1), Duration.ofHours(1)));
    String at = submitted(site, "bag");
    site.until(response -> response.statusCode() == 302, at);
    clock.pass(Duration.ofHours(1));
    isProblem(site.get(at), 410, "expired");
    isProblem(site.get(at + "/result"), 410, "expired");
    isProblem(site.delete(at), 410, "expired");
    clock.pass(Duration.ofHours(1));
    isProblem(site.get(at), 404, "unknown");
  }

  // == waiting ==

  @Test
  void answersAtOnceIfItIsQuick() {
    Site site = site();
    HttpResponse<String> response = site.post("/claims", "bag", "Prefer", "wait=20");
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body()).isEqualTo("found bag");
    assertThat(header(response, "Preference-Applied")).isEqualTo("wait=20");
    assertThat(header(response, "Content-Location")).matches("/claims/operations/.*/result");
    HttpResponse<String> elsewhere = site.post("/claims", "elsewhere", "Prefer", "wait=20");
    assertThat(elsewhere.statusCode()).isEqualTo(303);
    assertThat(header(elsewhere, "Location")).isEqualTo("/bags/42");
    isProblem(site.post("/claims", "unlucky", "Prefer", "wait=20"), 422, "no-such-bag");
  }

  @Test
  void doesNotWaitForLongerThanItMay() {
    Site site = site(s -> s.maxWait(Duration.ofSeconds(1)));
    HttpResponse<String> response =
        site.post("/claims", "wait", "Prefer", "respond-async, wait=9999");
    assertThat(response.statusCode()).isEqualTo(202);
    assertThat(header(response, "Preference-Applied")).isEqualTo("wait=1");
  }

  @Test
  void answersAPollThatWaitsWhenItIsDone() {
    Site site = site();
    String at = submitted(site, "wait");
    CompletableFuture<HttpResponse<String>> poll =
        CompletableFuture.supplyAsync(() -> site.get(at, "Prefer", "wait=25"));
    site.until(response -> response.body().contains("running"), at);
    gate.tryEmitValue(OperationResult.nothing());
    assertThat(poll.join().statusCode()).isEqualTo(302);
  }

  @Test
  void streamsWhatHappens() throws Exception {
    Site site = site();
    String at = submitted(site, "half");
    ConcurrentLinkedQueue<String> lines = new ConcurrentLinkedQueue<>();
    HttpResponse<Void> stream =
        java.net.http.HttpClient.newHttpClient()
            .send(
                site.request(at, "Accept", "text/event-stream").build(),
                HttpResponse.BodyHandlers.fromLineSubscriber(new Lines(lines, gate)));
    assertThat(stream.statusCode()).isEqualTo(200);
    assertThat(header(stream, "Content-Type")).startsWith("text/event-stream");
    Await.until("the end", () -> lines.contains("event: succeeded"));
    assertThat(lines).contains("event: progress");
    assertThat(String.join("\n", lines))
        .contains("\"percent\":50")
        .contains("\"location\":\"" + at + "/result\"");
    assertThat(site.get(at, "Accept", "text/event-stream").body())
        .startsWith("id: ")
        .contains("event: succeeded");
  }

  /** Opens the gate when half of it is done. */
  private record Lines(ConcurrentLinkedQueue<String> lines, Sinks.One<OperationResult> gate)
      implements Flow.Subscriber<String> {

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(String line) {
      lines.add(line);
      if (line.contains("\"percent\":50")) {
        gate.tryEmitValue(OperationResult.nothing());
      }
    }

    @Override
    public void onError(Throwable error) {
      lines.add(error.toString());
    }

    @Override
    public void onComplete() {}
  }

  // == cancelling ==

  @Test
  void cancelsAtOnceWhatNobodyHasBegun() {
    Site site = idleSite(s -> s);
    String at = submitted(site, "bag");
    HttpResponse<String> response = site.delete(at);
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body()).contains("\"status\":\"cancelled\"");
    isProblem(site.get(at), 409, "cancelled");
    assertThat(site.delete(at).statusCode()).isEqualTo(200);
    assertThat(begun).hasValue(0);
  }

  @Test
  void cancelsTheWork() {
    Site site = site();
    String at = submitted(site, "wait");
    Await.until("the work to begin", () -> begun.get() == 1); // it runs a little before that
    assertThat(site.get(at).body()).contains("running");
    HttpResponse<String> response = site.delete(at);
    assertThat(response.statusCode()).isEqualTo(202);
    assertThat(response.body()).contains("\"cancelRequested\":true");
    isProblem(site.until(status -> status.statusCode() != 202, at), 409, "cancelled");
    Await.until("the work to be cancelled", () -> cancelled.size() == 1);
  }

  @Test
  void cancelsTheWorkOfAnotherInstance() {
    Site worker = site(s -> s.lease(Duration.ofMillis(400)));
    Site front = idleSite(s -> s.watchInterval(Duration.ofMillis(50)));
    String at = submitted(front, "wait");
    front.until(response -> response.body().contains("running"), at);
    assertThat(front.delete(at).statusCode()).isEqualTo(202);
    isProblem(front.get(at, "Prefer", "wait=30"), 409, "cancelled");
    isProblem(worker.get(at), 409, "cancelled");
  }

  @Test
  void doesNotCancelWhatIsOver() {
    Site site = site();
    String at = submitted(site, "bag");
    site.until(response -> response.statusCode() == 302, at);
    isProblem(site.delete(at), 409, "over");
    assertThat(site.get(at).statusCode()).isEqualTo(302);
  }

  // == keys ==

  @Test
  void doesTheSameRequestOnce() {
    Site site = site();
    String at = submitted(site, "wait", "Idempotency-Key", "\"k1\"");
    assertThat(submitted(site, "wait", "Idempotency-Key", "k1")).isEqualTo(at);
    gate.tryEmitValue(OperationResult.of("text/plain", "found".getBytes(UTF_8)));
    site.until(response -> response.statusCode() == 302, at);
    HttpResponse<String> replayed = site.post("/claims", "wait", "Idempotency-Key", "k1");
    assertThat(replayed.statusCode()).isEqualTo(200);
    assertThat(replayed.body()).isEqualTo("found");
    assertThat(begun).hasValue(1);
  }

  @Test
  void refusesTheSameRequestWhileItIsInProgressIfThatIsWanted() {
    Site site = idleSite(s -> s.whileRunning(WhileRunning.CONFLICT));
    String at = submitted(site, "bag", "Idempotency-Key", "k1");
    HttpResponse<String> second = site.post("/claims", "bag", "Idempotency-Key", "k1");
    isProblem(second, 409, "in-progress");
    assertThat(header(second, "Location")).isEqualTo(at);
  }

  @Test
  void refusesAKeyThatBelongsToAnotherRequest() {
    Site site = idleSite(s -> s);
    submitted(site, "bag", "Idempotency-Key", "k1");
    isProblem(site.post("/claims", "case", "Idempotency-Key", "k1"), 422, "key-reused");
    isProblem(
        site.post("/claims", "bag", "Idempotency-Key", "k1", "Content-Type", "text/html"),
        422,
        "key-reused");
    assertThat(submitted(site, "case", "Idempotency-Key", "k1", "Caller", "bob")).isNotNull();
  }

  @Test
  void wantsAKeyWhereOneIsRequired() {
    Site site = idleSite(s -> s.idempotencyKey(KeyPolicy.REQUIRED));
    isProblem(site.post("/claims", "bag"), 400, "key-missing");
    isProblem(site.post("/claims", "bag", "Idempotency-Key", ""), 400, "key-malformed");
    isProblem(
        site.post("/claims", "bag", "Idempotency-Key", "k".repeat(256)), 400, "key-malformed");
    submitted(site, "bag", "Idempotency-Key", "k1");
  }

  @Test
  void makesOneOperationOf100EqualRequestsAtOnce() {
    Site site = site();
    ExecutorService clients = Executors.newFixedThreadPool(100);
    try {
      List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        answers.add(
            CompletableFuture.supplyAsync(
                () -> site.post("/claims", "wait", "Idempotency-Key", "k1"), clients));
      }
      assertThat(answers)
          .extracting(answer -> header(answer.join(), "Location"))
          .containsOnly(header(answers.get(0).join(), "Location"));
      assertThat(answers).allMatch(answer -> answer.join().statusCode() == 202);
    } finally {
      clients.shutdownNow();
    }
    Await.until("the work to begin", () -> begun.get() > 0);
    gate.tryEmitValue(OperationResult.nothing());
    assertThat(begun).hasValue(1);
  }

  // == proxies ==

  @Test
  void isAbsoluteBehindAProxyThatIsTrusted() {
    Site site = idleSite(s -> s.trustedProxies("127.0.0.0/8", "::1"));
    String at =
        submitted(
            site,
            "bag",
            "Forwarded",
            "for=192.0.2.60;proto=https;host=api.example",
            "X-Forwarded-Prefix",
            "/v1");
    assertThat(at).startsWith("https://api.example/v1/claims/operations/");
  }

  @Test
  void readsNothingOfWhatStrangersForward() {
    Site site = idleSite(s -> s.trustedProxies("10.0.0.0/8"));
    String at =
        submitted(
            site, "bag", "Forwarded", "proto=https;host=evil.example", "X-Forwarded-Prefix", "/x");
    assertThat(at).startsWith("/claims/operations/");
  }

  // == connections ==

  @Test
  void finishesWhatAClientHasAskedForThatIsGone() throws IOException {
    Leaks.watch();
    Site site = site();
    int clients = 50;
    for (int i = 0; i < clients; i++) {
      try (Socket socket = new Socket("127.0.0.1", site.port())) {
        socket.setSoLinger(true, 0); // a reset, not an orderly end
        OutputStream out = socket.getOutputStream();
        out.write(
            ("POST /claims HTTP/1.1\r\nHost: a\r\nCaller: alice\r\nPrefer: wait=30\r\n"
                    + "Idempotency-Key: gone-"
                    + i
                    + "\r\nContent-Length: 5\r\n\r\nbag-"
                    + i % 10)
                .getBytes(UTF_8));
        out.flush();
        int before = i;
        Await.until("the request to be read", () -> begun.get() > before);
      }
    }
    for (int i = 0; i < clients; i++) {
      HttpResponse<String> replayed =
          site.post(
              "/claims", "bag-" + i % 10, "Idempotency-Key", "gone-" + i, "Prefer", "wait=30");
      assertThat(replayed.body()).isEqualTo("found bag-" + i % 10);
    }
    assertThat(begun).hasValue(clients);
    Leaks.assertNone();
  }

  @Test
  void acceptsNothingOfARequestThatWasNotReadAsAWhole() throws IOException {
    Leaks.watch();
    Site site = site();
    for (int i = 0; i < 20; i++) {
      try (Socket socket = new Socket("127.0.0.1", site.port())) {
        socket.setSoLinger(true, 0);
        OutputStream out = socket.getOutputStream();
        out.write(
            ("POST /claims HTTP/1.1\r\nHost: a\r\nCaller: alice\r\nContent-Length: 50\r\n\r\nbag")
                .getBytes(UTF_8));
        out.flush();
      }
    }
    site.post("/claims", "bag", "Prefer", "wait=30");
    assertThat(begun).hasValue(1);
    Leaks.assertNone();
  }
}
