import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Starts the demo with the README's command, waits until it is ready, checks a bag in, sees it
 * loaded, and stops it. Exits with 1 and the demo's log when any of this does not happen.
 */
final class Smoke {

  private static final Duration START = Duration.ofMinutes(3);
  private static final Duration LOADED = Duration.ofSeconds(30);
  private static final Duration STOPPED = Duration.ofSeconds(60);

  private final HttpClient http =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();
  private final String base;

  private Smoke(int port) {
    this.base = "http://127.0.0.1:" + port;
  }

  public static void main(String[] args) throws Exception {
    Path data = Files.createTempDirectory("sluice-smoke");
    Path log = data.resolve("demo.log");
    int port = freePort();
    ProcessBuilder demo = new ProcessBuilder(readmeCommand());
    demo.environment()
        .putAll(
            Map.of(
                "SERVER_PORT", Integer.toString(port),
                "DEMO_DATA_DIR", data.resolve("broker").toString(),
                "DEMO_KAFKA_PORT", "0"));
    Process process = demo.redirectErrorStream(true).redirectOutput(log.toFile()).start();
    boolean passed = false;
    try {
      new Smoke(port).run(process);
      stop(process);
      passed = true;
      System.out.println("smoke: the demo started, loaded a bag and stopped");
    } finally {
      if (!passed) {
        kill(process);
        Files.readAllLines(log).stream().skip(Math.max(0, lines(log) - 200)).forEach(System.out::println);
      }
      delete(data);
    }
  }

  /** The first command of the README, so that what is tested is what is printed there. */
  private static List<String> readmeCommand() throws IOException {
    for (String line : Files.readAllLines(Path.of("README.md"))) {
      if (line.startsWith("mvn ") && line.contains("spring-boot:run")) {
        List<String> command = new ArrayList<>(List.of(line.strip().split(" +")));
        command.add(1, "-B");
        command.add(2, "-ntp");
        return command;
      }
    }
    throw new IllegalStateException("README.md has no command with spring-boot:run");
  }

  private void run(Process process) throws Exception {
    await("ready", START, process, () -> get("/actuator/health/readiness").contains("\"UP\""));
    await("a page", START, process, () -> get("/").contains("<html"));

    String flights = get("/api/flights");
    Matcher flight = Pattern.compile("\"flight\":\"([^\"]+)\"").matcher(flights);
    if (!flight.find()) {
      throw new IllegalStateException("no flight in " + flights);
    }
    String tag = "0016123456";
    HttpResponse<String> checkedIn =
        http.send(
            HttpRequest.newBuilder(URI.create(base + "/api/bags"))
                .header("Content-Type", "application/json")
                .POST(
                    HttpRequest.BodyPublishers.ofString(
                        "{\"tag\":\"" + tag + "\",\"flight\":\"" + flight.group(1) + "\"}"))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    if (checkedIn.statusCode() != 201) {
      throw new IllegalStateException(
          "check-in: " + checkedIn.statusCode() + " (expected: 201) " + checkedIn.body());
    }
    await("loaded", LOADED, process, () -> get("/api/bags/" + tag).contains("\"LOADED\""));
  }

  private interface Check {
    boolean holds() throws Exception;
  }

  private static void await(String what, Duration limit, Process process, Check check)
      throws Exception {
    long deadline = System.nanoTime() + limit.toNanos();
    for (; ; ) {
      try {
        if (check.holds()) {
          return;
        }
      } catch (IOException e) {
        // Not listening yet.
      }
      if (!process.isAlive()) {
        throw new IllegalStateException("the demo ended with exit code " + process.exitValue());
      }
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException("not " + what + " within " + limit);
      }
      TimeUnit.MILLISECONDS.sleep(250);
    }
  }

  private String get(String path) throws IOException, InterruptedException {
    return http.send(
            HttpRequest.newBuilder(URI.create(base + path)).timeout(Duration.ofSeconds(5)).build(),
            HttpResponse.BodyHandlers.ofString())
        .body();
  }

  /** Stops the application itself, in good order, then waits for the command to end. */
  private static void stop(Process process) throws Exception {
    List<ProcessHandle> descendants = process.descendants().toList();
    descendants.forEach(ProcessHandle::destroy);
    if (descendants.isEmpty()) {
      process.destroy();
    }
    if (!process.waitFor(STOPPED.toSeconds(), TimeUnit.SECONDS)) {
      throw new IllegalStateException("the demo did not stop within " + STOPPED);
    }
  }

  private static void kill(Process process) {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }

  private static int freePort() throws IOException {
    try (var socket = new java.net.ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private static long lines(Path log) throws IOException {
    try (var lines = Files.lines(log)) {
      return lines.count();
    }
  }

  private static void delete(Path directory) throws IOException {
    try (var paths = Files.walk(directory)) {
      for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    }
  }
}
