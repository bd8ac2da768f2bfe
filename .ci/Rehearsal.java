import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipFile;

/**
 * Looks at what a rehearsal of a release has put into a folder: of every module that the BOM names a
 * jar, its sources and its Javadoc, with the licence in the first two, the marbles in the third, and
 * nothing that stays at home. Exits with 1 when something is missing.
 */
final class Rehearsal {

  private static final Pattern MODULE =
      Pattern.compile("<artifactId>([\\w-]+)</artifactId>\\s*<version>\\$\\{project\\.version}");

  private final List<String> missing = new ArrayList<>();

  public static void main(String[] args) throws IOException {
    Rehearsal rehearsal = new Rehearsal();
    int modules = rehearsal.look(Path.of(args[0], "dev", "sluice"));
    if (!rehearsal.missing.isEmpty()) {
      System.err.println("missing: " + String.join(", ", rehearsal.missing));
      System.exit(1);
    }
    System.out.println("rehearsal: " + modules + " modules, complete");
  }

  private int look(Path released) throws IOException {
    Set<String> modules = new TreeSet<>();
    Matcher module = MODULE.matcher(Files.readString(Path.of("toolkit/bom/pom.xml")));
    while (module.find()) {
      modules.add(module.group(1));
    }
    for (String name : modules) {
      Path folder = released.resolve(name);
      require(entries(folder, "jar"), name, "META-INF/LICENSE", "META-INF/NOTICE");
      require(entries(folder, "sources.jar"), name + " sources", "META-INF/LICENSE");
      Set<String> javadoc = entries(folder, "javadoc.jar");
      require(javadoc, name + " Javadoc", "index.html");
      require(javadoc, name + " Javadoc", marbles(entries(folder, "sources.jar")));
    }
    for (String stays : List.of("sluice-demo", "sluice-demo-browser", "sluice-benchmarks")) {
      if (Files.exists(released.resolve(stays))) {
        missing.add("the reason why " + stays + " is published");
      }
    }
    if (modules.size() < 10) {
      missing.add("modules in the BOM: " + modules);
    }
    return modules.size();
  }

  private void require(Set<String> there, String where, String... names) {
    Stream.of(names).filter(n -> !there.contains(n)).forEach(n -> missing.add(where + ": " + n));
  }

  private static String[] marbles(Set<String> sources) {
    return sources.stream().filter(name -> name.endsWith(".svg")).toArray(String[]::new);
  }

  /** What is in the newest jar of this kind; nothing if there is none. */
  private static Set<String> entries(Path folder, String kind) throws IOException {
    Pattern name =
        Pattern.compile(kind.equals("jar") ? ".*[0-9]\\.jar|.*SNAPSHOT\\.jar" : ".*-" + kind);
    if (!Files.exists(folder)) {
      return Set.of();
    }
    try (Stream<Path> files = Files.walk(folder)) {
      List<Path> jars =
          files.filter(f -> name.matcher(f.getFileName().toString()).matches()).sorted().toList();
      if (jars.isEmpty()) {
        return Set.of();
      }
      try (ZipFile jar = new ZipFile(jars.get(jars.size() - 1).toFile())) {
        return jar.stream().map(entry -> entry.getName()).collect(Collectors.toSet());
      }
    }
  }
}
