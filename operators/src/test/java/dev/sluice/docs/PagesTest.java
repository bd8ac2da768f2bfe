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
package dev.sluice.docs;

import static dev.sluice.docs.Page.ROOT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.test.marble.MarbleScript;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What the pages say is so: their code is the code of tests, their links lead somewhere, their
 * pictures are what is tested, and nothing that is public is without a page.
 */
class PagesTest {

  private static final List<String> TEMPLATE =
      List.of(
          "## The problem",
          "## In ten lines",
          "## What is guaranteed",
          "## Options",
          "## When something fails",
          "## What to watch",
          "## When not to use it");

  private static final Path OPERATORS = ROOT.resolve("operators/src/main/java/dev/sluice");
  private static final Path HTTP = ROOT.resolve("connectors/http/src/main/java/dev/sluice/http");

  /** The engine is no API. */
  private static final Set<String> NO_PATTERNS = Set.of("dispatch", "flow");

  /** What says nothing without its type. */
  private static final Set<String> OF_A_TYPE = Set.of("of", "create", "over");

  private static final Pattern PICTURE =
      Pattern.compile("<img[^>]*?src=\"doc-files/([^\"]+)\"", Pattern.DOTALL);
  private static final Pattern FACTORY =
      Pattern.compile(
          "^  public static (?:<.*> )?[\\w.<>\\[\\], ?@]+ (\\w+)\\(", Pattern.MULTILINE);
  private static final Pattern VERB =
      Pattern.compile(
          "^  public (?:static )?(?:<.*> )?\\w*Flow<[^(]*> (\\w+)\\(", Pattern.MULTILINE);

  private static final Pattern OPTION =
      Pattern.compile("^  public (?:<.*> )?\\w+Spec\\S*(?: \\S+>)? (\\w+)\\(", Pattern.MULTILINE);

  /** What {@code Meters} and observations are called. */
  private static final Pattern NUMBER =
      Pattern.compile(
          "(?:gauge|counter|createNotStarted|observation)\\(\\s*(?:\\w+,\\s*)?\"(sluice\\.[a-z.]+)\"");

  /** A public option or argument. */
  private static final Pattern SCHEDULER =
      Pattern.compile("\\n  public (?:static )?[^;={]*\\bScheduler (?:timer|scheduler)\\)");

  /** With the system property {@code sluice.pages=write} it is written instead. */
  @Test
  void codeIsWhatTestsRun() throws IOException {
    int snippets = 0;
    for (Page page : Page.all()) {
      if ("write".equals(System.getProperty("sluice.pages"))) {
        page = page.rewritten(PagesTest::region);
      }
      for (Page.Snippet snippet : page.snippets()) {
        assertThat(snippet.code())
            .as("%s: %s#%s", page.name(), ROOT.relativize(snippet.source()), snippet.region())
            .isEqualTo(region(snippet));
        snippets++;
      }
    }
    assertThat(snippets).isGreaterThan(50);
  }

  @Test
  void noJavaIsTypedIntoAPage() {
    for (Page page : Page.all()) {
      for (Page.Block block : page.blocks()) {
        if (block.language().equals("java")) {
          assertThat(block.mark())
              .as("what stands above this code in %s:\n%s", page.name(), block.code())
              .isIn("snippet", "file");
        }
      }
    }
  }

  @Test
  void linksLeadSomewhere() {
    int links = 0;
    for (Page page : Page.all()) {
      for (Page.Link link : page.links()) {
        assertThat(link.target()).as("link of %s", page.name()).exists();
        if (!link.anchor().isEmpty()) {
          assertThat(Page.read(link.target()).anchors())
              .as("headings of %s, to which %s links", link.target(), page.name())
              .contains(link.anchor());
        }
        links++;
      }
    }
    assertThat(links).isGreaterThan(100);
  }

  @Test
  void everyPageIsFoundFromTheFirst() {
    Set<Path> found = new HashSet<>();
    Deque<Path> next = new ArrayDeque<>(List.of(ROOT.resolve("docs/README.md")));
    while (!next.isEmpty()) {
      Path page = next.remove();
      if (page.toString().endsWith(".md") && found.add(page)) {
        Page.read(page).links().forEach(link -> next.add(link.target()));
      }
    }
    assertThat(found)
        .containsAll(
            Page.all().stream()
                .map(Page::file)
                .filter(file -> file.startsWith(ROOT.resolve("docs")))
                .toList());
  }

  @Test
  void everyPatternPageHasTheSameHeadings() {
    List<Page> patterns = Page.of("patterns");
    assertThat(patterns).hasSizeGreaterThan(15);
    for (Page page : patterns) {
      assertThat(page.headings()).as("headings of %s", page.name()).isEqualTo(TEMPLATE);
    }
  }

  @Test
  void everyPatternIsTheTitleOfAPageThatTheFirstPageNames() throws IOException {
    Set<Path> named =
        Page.read(ROOT.resolve("docs/README.md")).links().stream()
            .map(Page.Link::target)
            .collect(Collectors.toSet());
    List<Page> patterns = Page.of("patterns");
    assertThat(named).containsAll(patterns.stream().map(Page::file).toList());

    Set<String> titles =
        patterns.stream().flatMap(page -> page.namesInTitle().stream()).collect(Collectors.toSet());
    Set<String> verbs = verbs();
    List<Path> packages = patternPackages();
    assertThat(packages).hasSizeGreaterThan(10);
    for (Path folder : packages) {
      Set<String> doors = new TreeSet<>();
      for (Path type : publicTypes(folder)) {
        doors.add(simpleName(type));
        doors.addAll(factories(type));
      }
      String verb = folder.getFileName().toString();
      if (verbs.contains(verb)) {
        doors.add(verb);
      }
      assertThat(doors)
          .as("doors of %s in the titles of pages", folder)
          .containsAnyElementsOf(titles);
    }
  }

  /** For those who know the pattern that they want, by the name that the textbooks give it. */
  @Test
  void everyPatternOfTheTextbooksLeadsToAPage() {
    String page = Page.read(ROOT.resolve("docs/README.md")).text();
    String names = page.substring(page.indexOf("## By name"), page.indexOf("## How it works"));
    assertThat(names)
        .containsIgnoringCase("[asynchronous request-reply](patterns/")
        .containsIgnoringCase("[choreography](patterns/")
        .containsIgnoringCase("[claim check](patterns/")
        .containsIgnoringCase("[competing consumers](patterns/")
        .containsIgnoringCase("[dead letters](patterns/")
        .containsIgnoringCase("[filter](patterns/")
        .containsIgnoringCase("[idempotent consumer](patterns/")
        .containsIgnoringCase("[message router,")
        .containsIgnoringCase("[messaging bridge](patterns/")
        .containsIgnoringCase("[pipes and filters](patterns/")
        .containsIgnoringCase("[point-to-point](patterns/")
        .containsIgnoringCase("[priority queue](patterns/")
        .containsIgnoringCase("[publish-subscribe](patterns/")
        .containsIgnoringCase("[queue-based load leveling](patterns/")
        .containsIgnoringCase("[request/reply](patterns/")
        .containsIgnoringCase("[saga](patterns/")
        .containsIgnoringCase("[scatter-gather](patterns/")
        .containsIgnoringCase("[scheduler, agent, supervisor](patterns/")
        .containsIgnoringCase("[sequential convoy](patterns/");
    for (Page pattern : Page.of("patterns")) {
      assertThat(names).contains("](patterns/" + pattern.file().getFileName());
    }
  }

  @Test
  void everyDoorAndEveryVerbIsInAPage() throws IOException {
    Set<String> names = new HashSet<>();
    Page.all().forEach(page -> names.addAll(page.namesInCode()));
    List<Path> folders = new ArrayList<>(patternPackages());
    folders.add(HTTP);
    for (Path folder : folders) {
      for (Path type : publicTypes(folder)) {
        Set<String> doors = factories(type);
        doors.remove("ofDeliveries"); // what a verb of Flow is made of
        if (!doors.isEmpty()) {
          doors.removeAll(OF_A_TYPE);
          doors.add(simpleName(type));
          assertThat(doors)
              .as("how %s is made, of which something is in a page", simpleName(type))
              .containsAnyElementsOf(names);
        }
      }
    }
    Set<String> verbs = verbs();
    assertThat(verbs).hasSizeGreaterThan(20);
    verbs.removeAll(names);
    assertThat(verbs).as("verbs of Flow that are in no page").isEmpty();
  }

  @Test
  void everyOptionIsInAPage() throws IOException {
    Set<String> names = new HashSet<>();
    Page.all().forEach(page -> names.addAll(page.namesInCode()));
    int options = 0;
    for (Path spec : Page.files("Spec.java")) {
      if (spec.toString().contains("/src/main/") && !spec.startsWith(ROOT.resolve("demo-app"))) {
        Set<String> missing = names(OPTION, spec);
        options += missing.size();
        missing.removeAll(names);
        assertThat(missing).as("options of %s that are in no page", simpleName(spec)).isEmpty();
      }
    }
    assertThat(options).isGreaterThan(150);
  }

  /** One that cannot wait would fail each element at run time, or never fire. */
  @Test
  void everySchedulerThatTimesSomethingIsCheckedWhenItIsGiven() throws IOException {
    Set<String> unchecked = new TreeSet<>();
    int checked = 0;
    for (Path source : Page.files(".java")) {
      String text = Files.readString(source);
      if (source.toString().contains("/src/main/")
          && text.contains("\npublic ")
          && SCHEDULER.matcher(text).find()) {
        if (text.contains("Timers.require(")) {
          checked++;
        } else {
          unchecked.add(simpleName(source));
        }
      }
    }
    assertThat(checked).isGreaterThan(20);
    assertThat(unchecked)
        .as("what takes a scheduler without a look at whether it keeps time")
        .containsExactlyInAnyOrder(
            "Timers", // looks
            "CompeteSpec", // hands it on
            "PrioritySpec", // reads its time only, as the next two do
            "PrioritizeSpec",
            "DurableGatherSpec",
            "SubscriberSpec", // does things at once only
            "TestChannel"); // is for tests
  }

  @Test
  void everyNumberIsInTheTableOfMetrics() throws IOException {
    Set<String> numbers = new TreeSet<>();
    for (Path source : Page.files(".java")) {
      if (source.toString().contains("/src/main/")) {
        Matcher number = NUMBER.matcher(Files.readString(source));
        while (number.find()) {
          numbers.add(number.group(1));
        }
      }
    }
    assertThat(numbers).hasSizeGreaterThan(60).contains("sluice.saga.parked", "sluice.delivery");
    numbers.removeAll(numbersInTheTable());
    assertThat(numbers).as("meters and observations that the table does not have").isEmpty();
  }

  /** With {@code .failed} behind {@code sluice.filter.started} as {@code sluice.filter.failed}. */
  private static Set<String> numbersInTheTable() {
    Set<String> numbers = new HashSet<>();
    String table = Page.read(ROOT.resolve("docs/operations/metrics.md")).text();
    for (String row : table.lines().filter(line -> line.startsWith("|")).toList()) {
      String pattern = "";
      Matcher name = Pattern.compile("`(sluice\\.\\w+)?([.a-z]*)`").matcher(row);
      while (name.find()) {
        pattern = name.group(1) == null ? pattern : name.group(1);
        numbers.add(pattern + name.group(2));
      }
    }
    return numbers;
  }

  @Test
  void everyPictureIsDrawnFromItsTextAndShownInTheJavadoc() throws IOException {
    List<Path> drawings =
        Page.files(".svg").stream().filter(file -> file.getParent().endsWith("doc-files")).toList();
    assertThat(drawings).hasSizeGreaterThan(25);
    List<Path> scripts = Page.files(".marble");
    scripts.forEach(MarbleScript::verifyPicture);
    assertThat(drawings.stream().map(PagesTest::script))
        .containsExactlyInAnyOrderElementsOf(scripts);

    Set<Path> shown = new HashSet<>();
    for (Path source : Page.files(".java")) {
      Matcher picture = PICTURE.matcher(Files.readString(source));
      while (picture.find()) {
        Path drawing = source.resolveSibling("doc-files").resolve(picture.group(1));
        assertThat(drawing).as("picture in %s", source).exists();
        shown.add(drawing);
      }
    }
    assertThat(drawings).as("pictures that are in the Javadoc").isSubsetOf(shown);
  }

  private static Path script(Path drawing) {
    return drawing.resolveSibling(
        drawing.getFileName().toString().replaceFirst("\\.svg$", ".marble"));
  }

  private static List<Path> patternPackages() throws IOException {
    try (Stream<Path> folders = Files.list(OPERATORS)) {
      return folders
          .filter(Files::isDirectory)
          .filter(folder -> !NO_PATTERNS.contains(folder.getFileName().toString()))
          .sorted()
          .toList();
    }
  }

  private static List<Path> publicTypes(Path folder) throws IOException {
    List<Path> types = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".java")).sorted().toList()) {
        if (Files.readString(file).contains("\npublic ")) {
          types.add(file);
        }
      }
    }
    return types;
  }

  private static Set<String> factories(Path type) throws IOException {
    return names(FACTORY, type);
  }

  private static Set<String> verbs() throws IOException {
    return names(VERB, OPERATORS.resolve("flow/Flow.java"));
  }

  private static Set<String> names(Pattern pattern, Path type) throws IOException {
    Set<String> names = new TreeSet<>();
    Matcher method = pattern.matcher(Files.readString(type));
    while (method.find()) {
      names.add(method.group(1));
    }
    return names;
  }

  private static String simpleName(Path type) {
    return type.getFileName().toString().replaceFirst("\\.java$", "");
  }

  /** The lines between the marks of a region, without their common indentation. */
  private static String region(Page.Snippet snippet) {
    List<String> region = new ArrayList<>();
    boolean inside = false;
    for (String line : Page.read(snippet.source()).text().lines().toList()) {
      if (line.strip().equals("// #region " + snippet.region())) {
        inside = true;
      } else if (inside && line.strip().equals("// #endregion")) {
        return String.join("\n", region).stripTrailing().stripIndent() + "\n";
      } else if (inside) {
        region.add(line);
      }
    }
    throw new AssertionError(snippet.source() + " has no region " + snippet.region());
  }
}
