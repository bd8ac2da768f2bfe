import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Does what docs/quickstart.md tells to do, with Maven, in an empty directory, against the artifacts
 * of this build: they are deployed to a folder, which stands for Maven Central. Exits with 1 when a
 * command fails or prints something else than the page says.
 *
 * <p>It has a local repository of its own, with links to what the real one has already, so that the
 * snapshots of this build are found in none that is used for anything else.
 */
final class Quickstart {

  private static final Pattern BLOCK =
      Pattern.compile("<!-- (\\w+): (\\S+) -->\n```\\w*\n(.*?)```", Pattern.DOTALL);
  private static final long PATIENCE_MINUTES = 15;

  private final Path work;
  private final Path project;

  private Quickstart(Path work) throws IOException {
    this.work = work;
    this.project = Files.createDirectories(work.resolve("charging"));
  }

  public static void main(String[] args) throws Exception {
    Path work = Files.createTempDirectory("sluice-quickstart");
    try {
      Quickstart quickstart = new Quickstart(work);
      quickstart.deploy();
      quickstart.follow(Files.readString(Path.of("docs/quickstart.md")));
      System.out.println("quickstart: what the page says is what happens");
    } finally {
      delete(work);
    }
  }

  private void deploy() throws Exception {
    maven(
        Path.of("").toAbsolutePath(),
        List.of(
            "deploy",
            "-pl",
            "toolkit/bom,operators,connectors/memory,connectors/kafka", // what the page asks for
            "-am",
            "-DskipTests",
            "-Dmaven.install.skip",
            "-Dmaven.javadoc.skip",
            "-Dspotless.check.skip",
            "-Dmaven.repo.local=" + localRepository(),
            "-DaltDeploymentRepository=rehearsal::" + released().toUri()));
  }

  private void follow(String page) throws Exception {
    Files.writeString(work.resolve("settings.xml"), settings());
    List<String> printed = List.of();
    Matcher block = BLOCK.matcher(page);
    int commands = 0;
    while (block.find()) {
      String content = block.group(3);
      switch (block.group(1)) {
        case "file" -> {
          Path file = project.resolve(block.group(2));
          Files.createDirectories(file.getParent());
          Files.writeString(file, content);
        }
        case "dependencies" -> {
          Path pom = project.resolve(block.group(2));
          String[] halves = Files.readString(pom).split("(?=  </dependencies>\n\n  <build>)");
          Files.writeString(pom, halves[0] + content + halves[1]);
        }
        case "run" -> {
          List<String> words = List.of(content.strip().split(" +"));
          List<String> command = new ArrayList<>(words.subList(1, words.size()));
          command.add("-Dmaven.repo.local=" + localRepository());
          command.add("-s");
          command.add(work.resolve("settings.xml").toString());
          printed = maven(project, command);
          commands++;
          check(printed, page);
        }
        default -> {
          // What it prints, and code of tests.
        }
      }
    }
    if (commands != 2) {
      throw new IllegalStateException("commands: " + commands + " (expected: 2)");
    }
  }

  private static void check(List<String> printed, String page) {
    Matcher shown =
        Pattern.compile("<!-- prints: \\S+ -->\n```\n(.*?)```", Pattern.DOTALL).matcher(page);
    if (!shown.find()) {
      throw new IllegalStateException("the page does not say what is printed");
    }
    List<String> expected = shown.group(1).lines().sorted().toList();
    List<String> actual =
        printed.stream().filter(line -> line.matches("charged .*|\\d+ acknowledged.*")).sorted().toList();
    if (!actual.equals(expected)) {
      throw new IllegalStateException("printed: " + actual + " (expected: " + expected + ")");
    }
  }

  private List<String> maven(Path directory, List<String> arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of("mvn", "-B", "-q", "-ntp"));
    command.addAll(arguments);
    System.out.println(String.join(" ", command));
    Path output = Files.createTempFile(work, "maven", ".log");
    Process process =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      if (!process.waitFor(PATIENCE_MINUTES, TimeUnit.MINUTES) || process.exitValue() != 0) {
        Files.readAllLines(output).forEach(System.out::println);
        throw new IllegalStateException("the command has failed: " + command);
      }
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
    // Maven ends its colours in front of the first line, also where it has none.
    return Files.readAllLines(output).stream()
        .map(line -> line.replaceAll("\u001B\\[[0-9;]*m", ""))
        .toList();
  }

  private Path released() {
    return work.resolve("released");
  }

  private String settings() {
    return """
        <settings>
          <profiles>
            <profile>
              <id>released</id>
              <repositories>
                <repository>
                  <id>released</id>
                  <url>%s</url>
                  <snapshots><enabled>true</enabled></snapshots>
                </repository>
              </repositories>
            </profile>
          </profiles>
          <activeProfiles><activeProfile>released</activeProfile></activeProfiles>
        </settings>
        """
        .formatted(released().toUri());
  }

  private Path localRepository() throws IOException {
    Path own = work.resolve("m2");
    if (!Files.exists(own)) {
      Path real = Path.of(System.getProperty("user.home"), ".m2", "repository");
      link(real, Files.createDirectories(own), "dev");
      link(real.resolve("dev"), Files.createDirectories(own.resolve("dev")), "sluice");
    }
    return own;
  }

  private static void link(Path from, Path to, String except) throws IOException {
    if (Files.isDirectory(from)) {
      try (var children = Files.list(from)) {
        for (Path child : children.toList()) {
          if (!child.getFileName().toString().equals(except)) {
            Files.createSymbolicLink(to.resolve(child.getFileName()), child);
          }
        }
      }
    }
  }

  /** Links are deleted, and not followed. */
  private static void delete(Path directory) throws IOException {
    try (var paths = Files.walk(directory)) {
      for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    }
  }
}
