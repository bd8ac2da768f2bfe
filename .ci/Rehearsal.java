import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipFile;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

/**
 * Looks at what a rehearsal of a release has put into a folder: of every module that the BOM names a
 * jar, its sources and its Javadoc, with the licence in the first two and the marbles in the third;
 * poms that say what a public repository asks for; the SBOM; a signature of everything, if anything
 * is signed; and nothing that stays at home. Exits with 1 when something is missing.
 */
final class Rehearsal {

  private static final Pattern MODULE =
      Pattern.compile("<artifactId>([\\w-]+)</artifactId>\\s*<version>\\$\\{project\\.version}");

  private static final Pattern OURS = Pattern.compile("pkg:maven/dev\\.sluice/([\\w-]+)@");

  private static final String PARENT = "sluice-parent";
  private static final List<String> POMS =
      List.of(PARENT, "sluice-bom", "sluice-toolkit", "sluice-connectors");

  private final List<String> missing = new ArrayList<>();
  private final Path released;

  private Rehearsal(Path released) {
    this.released = released;
  }

  public static void main(String[] args) throws Exception {
    Rehearsal rehearsal = new Rehearsal(Path.of(args[0], "dev", "sluice"));
    int modules = rehearsal.look();
    if (!rehearsal.missing.isEmpty()) {
      System.err.println("missing: " + String.join(", ", rehearsal.missing));
      System.exit(1);
    }
    System.out.println("rehearsal: " + modules + " modules, complete");
  }

  private int look() throws Exception {
    Set<String> modules = new TreeSet<>();
    Matcher module = MODULE.matcher(Files.readString(Path.of("toolkit/bom/pom.xml")));
    while (module.find()) {
      modules.add(module.group(1));
    }
    if (modules.size() < 10) {
      missing.add("modules in the BOM: " + modules);
    }
    for (String name : modules) {
      require(entries(name, "jar"), name, "META-INF/LICENSE", "META-INF/NOTICE");
      Set<String> sources = entries(name, "sources.jar");
      require(sources, name + " sources", "META-INF/LICENSE", "META-INF/NOTICE");
      Set<String> javadoc = entries(name, "javadoc.jar");
      require(javadoc, name + " Javadoc", "index.html");
      require(javadoc, name + " Javadoc", marbles(sources));
    }
    Set<String> published = new TreeSet<>(modules);
    published.addAll(POMS);
    for (String name : published) {
      lookAtPom(name);
    }
    for (String name : folders()) {
      if (!published.contains(name)) {
        missing.add("the reason why " + name + " is published");
      }
    }
    for (String kind : List.of("cyclonedx.json", "cyclonedx.xml")) {
      lookAtSbom(kind, published);
    }
    lookAtSignatures();
    return modules.size();
  }

  /** A snapshot need not say where it comes from; a release must. */
  private void lookAtPom(String name) throws Exception {
    Optional<Path> file = newest(name, "pom");
    if (file.isEmpty()) {
      missing.add(name + ": pom");
      return;
    }
    Element pom = parse(file.get());
    require(elements(pom), name + " pom", "name");
    Set<String> said = saidOrInherited(pom);
    require(said, name + " pom", "description", "licenses", "developers");
    if (!file.get().getParent().toString().endsWith("-SNAPSHOT")) {
      require(said, name + " pom", "url", "scm");
    }
  }

  private Set<String> saidOrInherited(Element pom) throws Exception {
    Set<String> said = elements(pom);
    if (said.contains("parent")) {
      Element parent = (Element) pom.getElementsByTagName("parent").item(0);
      String name = parent.getElementsByTagName("artifactId").item(0).getTextContent().strip();
      Optional<Path> file = newest(name, "pom");
      if (file.isEmpty()) {
        missing.add("the parent " + name);
      } else {
        said.addAll(saidOrInherited(parse(file.get())));
      }
    }
    return said;
  }

  private void lookAtSbom(String kind, Set<String> published) throws IOException {
    Optional<Path> file = newest(PARENT, kind);
    Set<String> listed = new TreeSet<>();
    if (file.isPresent()) {
      Matcher ours = OURS.matcher(Files.readString(file.get()));
      while (ours.find()) {
        listed.add(ours.group(1));
      }
    }
    require(listed, kind, published.toArray(String[]::new));
    listed.removeAll(published);
    listed.forEach(name -> missing.add("the reason why " + name + " is in " + kind));
  }

  /** None is signed in a rehearsal without a key; some without the others is a mistake. */
  private void lookAtSignatures() throws IOException {
    try (Stream<Path> all = Files.walk(released)) {
      Set<Path> files = all.filter(Files::isRegularFile).collect(Collectors.toSet());
      if (files.stream().noneMatch(file -> file.toString().endsWith(".asc"))) {
        return;
      }
      files.stream()
          .filter(file -> file.toString().matches(".*\\.(jar|pom|json|xml)"))
          .filter(file -> !file.getFileName().toString().startsWith("maven-metadata"))
          .filter(file -> !files.contains(file.resolveSibling(file.getFileName() + ".asc")))
          .forEach(file -> missing.add("signature of " + file.getFileName()));
    }
  }

  private void require(Set<String> there, String where, String... names) {
    Stream.of(names).filter(n -> !there.contains(n)).forEach(n -> missing.add(where + ": " + n));
  }

  private static String[] marbles(Set<String> sources) {
    return sources.stream().filter(name -> name.endsWith(".svg")).toArray(String[]::new);
  }

  private static Element parse(Path pom) throws Exception {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(pom.toFile())
        .getDocumentElement();
  }

  private static Set<String> elements(Element pom) {
    Set<String> names = new TreeSet<>();
    NodeList children = pom.getChildNodes();
    for (int i = 0; i < children.getLength(); i++) {
      Node child = children.item(i);
      if (child instanceof Element && !child.getTextContent().isBlank()) {
        names.add(child.getNodeName());
      }
    }
    return names;
  }

  private Set<String> folders() throws IOException {
    try (Stream<Path> files = Files.list(released)) {
      return files
          .filter(Files::isDirectory)
          .map(folder -> folder.getFileName().toString())
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }

  /** What is in the newest jar of this kind; nothing if there is none. */
  private Set<String> entries(String module, String kind) throws IOException {
    Optional<Path> file = newest(module, kind);
    if (file.isEmpty()) {
      return Set.of();
    }
    try (ZipFile jar = new ZipFile(file.get().toFile())) {
      return jar.stream().map(entry -> entry.getName()).collect(Collectors.toSet());
    }
  }

  private Optional<Path> newest(String module, String kind) throws IOException {
    Path folder = released.resolve(module);
    Pattern name =
        Pattern.compile(kind.matches("jar|pom") ? ".*(?:[0-9]|SNAPSHOT)\\." + kind : ".*-" + kind);
    if (!Files.exists(folder)) {
      return Optional.empty();
    }
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(file -> name.matcher(file.getFileName().toString()).matches())
          .max(Comparator.naturalOrder());
    }
  }
}
