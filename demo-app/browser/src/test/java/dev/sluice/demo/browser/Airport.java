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
package dev.sluice.demo.browser;

import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.Request;
import com.microsoft.playwright.assertions.PlaywrightAssertions;
import com.microsoft.playwright.options.ColorScheme;
import com.microsoft.playwright.options.ReducedMotion;
import dev.sluice.demo.AirportApplication;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The demo and a browser, started once for all tests. */
final class Airport implements AutoCloseable {

  /** How long a test waits for something to appear: generous, because the machine may be busy. */
  static final Duration LIMIT = Duration.ofSeconds(30);

  /** The browser's own words about an answer that the page asked for and deals with. */
  private static final Pattern REFUSAL =
      Pattern.compile("^Failed to load resource: .* a status of (4\\d\\d|504) .*/api/");

  private static final Path PICTURES = Path.of("target", "screenshots");

  private final Path data;
  private final ConfigurableApplicationContext application;
  private final Playwright playwright;
  private final Browser browser;
  private final HttpClient http = HttpClient.newHttpClient();
  private final String address;

  private Airport(Path chromium) throws IOException {
    data = Files.createTempDirectory("airport");
    application =
        new SpringApplicationBuilder(AirportApplication.class)
            .run(
                "--server.port=0",
                "--demo.kafka-port=0",
                "--demo.data-dir=" + data,
                // What people can watch is nothing to wait for.
                "--demo.turnaround.step-takes=200ms",
                "--demo.turnaround.within=5s",
                "--demo.rebooking.partners-take=100ms",
                "--demo.claims.place-takes=200ms");
    address =
        "http://127.0.0.1:" + application.getEnvironment().getRequiredProperty("local.server.port");
    playwright =
        Playwright.create(
            new Playwright.CreateOptions().setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
    browser =
        playwright
            .chromium()
            .launch(
                new BrowserType.LaunchOptions()
                    .setExecutablePath(chromium)
                    .setHeadless(true)
                    .setArgs(
                        List.of(
                            "--no-sandbox",
                            "--disable-gpu",
                            "--disable-quic",
                            "--no-first-run",
                            "--disable-background-networking",
                            "--disable-component-update",
                            "--disable-sync")));
    PlaywrightAssertions.setDefaultAssertionTimeout(LIMIT.toMillis());
    Files.createDirectories(PICTURES);
  }

  static Airport start(Path chromium) {
    try {
      return new Airport(chromium);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Where the page is.
   *
   * @param rest what follows the slash: a query, a hash, or nothing
   */
  String address(String rest) {
    return address + "/" + rest;
  }

  /** What a test does behind the page's back. */
  <T> T bean(Class<T> type) {
    return application.getBean(type);
  }

  /** How a visitor looks at the page. */
  record Look(int width, ColorScheme scheme, ReducedMotion motion) {

    static final Look USUAL = new Look(1280, ColorScheme.LIGHT, ReducedMotion.NO_PREFERENCE);

    Look width(int next) {
      return new Look(next, scheme, motion);
    }

    Look dark() {
      return new Look(width, ColorScheme.DARK, motion);
    }

    Look still() {
      return new Look(width, scheme, ReducedMotion.REDUCE);
    }

    @Override
    public String toString() {
      return width + "-" + (scheme == ColorScheme.DARK ? "dark" : "light");
    }
  }

  /**
   * A page nobody has used, what goes wrong on it and on others of the same browser, and what they
   * have asked for and not been answered yet.
   */
  record Visit(Page page, List<String> errors, Set<Request> unanswered) implements AutoCloseable {

    @Override
    public void close() {
      page.context().close();
    }
  }

  Visit visit(Look look) {
    BrowserContext context =
        browser.newContext(
            new Browser.NewContextOptions()
                .setViewportSize(look.width(), look.width() < 500 ? 844 : 800)
                .setColorScheme(look.scheme())
                .setReducedMotion(look.motion())
                .setLocale("en-GB"));
    context.setDefaultTimeout(LIMIT.toMillis());
    List<String> errors = new CopyOnWriteArrayList<>();
    context.onConsoleMessage(
        message -> {
          String error = message.text() + " at " + message.location();
          if (message.type().equals("error") && !REFUSAL.matcher(error).find()) {
            errors.add(error);
          }
        });
    context.onWebError(error -> errors.add(error.error()));
    Set<Request> unanswered = ConcurrentHashMap.newKeySet();
    context.onRequest(unanswered::add);
    context.onRequestFinished(unanswered::remove);
    context.onRequestFailed(unanswered::remove);
    return new Visit(context.newPage(), errors, unanswered);
  }

  /** Takes a picture of the whole page, to be looked at. */
  static void picture(Page page, String name) {
    page.screenshot(
        new Page.ScreenshotOptions().setFullPage(true).setPath(PICTURES.resolve(name + ".png")));
  }

  /** Lets so many bags come in each second while something is looked at: each of them passes. */
  void whileBagsCome(int rate, Runnable look) {
    send("DELETE", "/api/load");
    assertThat(send("POST", "/api/load?rate=" + rate + "&bags=1000000")).isEqualTo(202);
    try {
      look.run();
    } finally {
      send("DELETE", "/api/load");
    }
  }

  /** What a test has broken on purpose and not mended. */
  List<String> broken() {
    return get("/api/chaos").path("broken").valueStream().map(JsonNode::asString).toList();
  }

  /**
   * Mends whatever can be broken, when a test has failed that would have mended it: the others are
   * not to fail with it.
   */
  void mend() {
    send("DELETE", "/api/load");
    for (String chaos : List.of("stop-broker", "slow-customs", "slow-scanner")) {
      send("POST", "/api/chaos/" + chaos + "?on=false");
    }
    JsonNode convoys = get("/api/convoys");
    Stream.concat(
            convoys.path("jammed").valueStream().map(JsonNode::asString),
            convoys.path("parked").valueStream().map(flight -> flight.path("key").asString()))
        .forEach(key -> send("POST", "/api/convoys/" + key + "/release"));
    for (String fault : List.of("hotel", "ticket", "refund")) {
      send("PUT", "/api/rebookings/faults/" + fault + "?on=false");
    }
    for (String participant : List.of("gates", "ramp", "carousels", "belt", "desk")) {
      send("PUT", "/api/arrivals/participants/" + participant + "?does=works");
    }
    for (String crew : List.of("fuel", "clean", "load", "standby")) {
      send("PUT", "/api/turnarounds/crews/" + crew + "?works=true");
    }
    for (String airline : List.of("north", "east", "south", "west", "far")) {
      send("PUT", "/api/quotes/airlines/" + airline + "?open=true");
    }
    for (String screen : List.of("hall", "gates", "delays", "loyalty")) {
      send("PUT", "/api/screens/" + screen + "?broken=false");
    }
    send("POST", "/api/bridge/resume");
  }

  /** What is there. */
  JsonNode get(String path) {
    return JsonMapper.shared().readTree(answer("GET", path).body());
  }

  /** Sends a request without a body; the answer's status. */
  int send(String method, String path) {
    return answer(method, path).statusCode();
  }

  private HttpResponse<String> answer(String method, String path) {
    try {
      return http.send(
          HttpRequest.newBuilder(URI.create(address + path))
              .method(method, HttpRequest.BodyPublishers.noBody())
              .build(),
          HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() throws IOException {
    playwright.close();
    application.close();
    try (Stream<Path> files = Files.walk(data)) {
      files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
    }
  }
}
