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

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A page of documentation, read as GitHub shows it. */
record Page(Path file, String text) {

  static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  private static final Set<String> NOT_OURS = Set.of("target", ".git", "node_modules");
  private static final Pattern SNIPPET =
      Pattern.compile("<!-- snippet: (\\S+)#(\\S+) -->\n```\\w+\n(.*?)```", Pattern.DOTALL);
  private static final Pattern BLOCK =
      Pattern.compile("(?:<!-- (\\w+): (\\S+) -->\n)?```(\\w*)\n(.*?)```", Pattern.DOTALL);
  private static final Pattern LINK = Pattern.compile("]\\((?!https?:)([^)#]*)(?:#([^)]+))?\\)");
  private static final Pattern CODE = Pattern.compile("`([^`\n]+)`");

  /** Code in a page, and where it comes from. */
  record Snippet(Path source, String region, String code) {}

  /** A block of code that a mark above it says something about; both are empty without one. */
  record Block(String mark, String value, String language, String code) {}

  /** A place in the repository, and a heading of it if that is not empty. */
  record Link(Path target, String anchor) {}

  static Page read(Path file) {
    try {
      return new Page(file, Files.readString(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Every page of the repository. */
  static List<Page> all() {
    return files(".md").stream().map(Page::read).toList();
  }

  /** Those of one folder of {@code docs}. */
  static List<Page> of(String folder) {
    Path parent = ROOT.resolve("docs").resolve(folder);
    return all().stream().filter(page -> page.file.getParent().equals(parent)).toList();
  }

  /** The files of the repository with this ending, built ones excepted. */
  static List<Path> files(String ending) {
    List<Path> files = new ArrayList<>();
    try {
      Files.walkFileTree(
          ROOT,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
              return NOT_OURS.contains(folder.getFileName().toString())
                  ? FileVisitResult.SKIP_SUBTREE
                  : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
              if (file.toString().endsWith(ending)) {
                files.add(file);
              }
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return files.stream().sorted().toList();
  }

  String name() {
    return ROOT.relativize(file).toString();
  }

  String title() {
    return text.lines().findFirst().orElse("");
  }

  /** The headings of the second level, without those inside code. */
  List<String> headings() {
    return withoutBlocks().lines().filter(line -> line.startsWith("## ")).toList();
  }

  List<Snippet> snippets() {
    List<Snippet> snippets = new ArrayList<>();
    Matcher snippet = SNIPPET.matcher(text);
    while (snippet.find()) {
      snippets.add(new Snippet(ROOT.resolve(snippet.group(1)), snippet.group(2), snippet.group(3)));
    }
    return snippets;
  }

  /**
   * The page with this code in place of its snippets, written to its file if that is other code.
   */
  Page rewritten(Function<Snippet, String> code) {
    String now = text;
    for (Snippet snippet : snippets()) {
      String mark =
          "<!-- snippet: %s#%s -->\n```java\n"
              .formatted(ROOT.relativize(snippet.source), snippet.region);
      now = now.replace(mark + snippet.code, mark + code.apply(snippet));
    }
    if (!now.equals(text)) {
      try {
        Files.writeString(file, now);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return new Page(file, now);
  }

  List<Block> blocks() {
    List<Block> blocks = new ArrayList<>();
    Matcher block = BLOCK.matcher(text);
    while (block.find()) {
      boolean marked = block.group(1) != null;
      blocks.add(
          new Block(
              marked ? block.group(1) : "",
              marked ? block.group(2) : "",
              block.group(3),
              block.group(4)));
    }
    return blocks;
  }

  List<Link> links() {
    List<Link> links = new ArrayList<>();
    Matcher link = LINK.matcher(CODE.matcher(withoutBlocks()).replaceAll(""));
    while (link.find()) {
      Path target = link.group(1).isEmpty() ? file : file.resolveSibling(link.group(1)).normalize();
      links.add(new Link(target, link.group(2) == null ? "" : link.group(2)));
    }
    return links;
  }

  /** What can stand behind a {@code #} in a link to this page. */
  Set<String> anchors() {
    Map<String, Integer> seen = new HashMap<>();
    Set<String> anchors = new HashSet<>();
    for (String line : withoutBlocks().lines().filter(l -> l.matches("#{1,6} .*")).toList()) {
      String words = line.replaceFirst("^#+ ", "").replaceAll("\\[([^]]*)]\\([^)]*\\)", "$1");
      String anchor =
          words.toLowerCase(Locale.ROOT).replaceAll("[^\\p{L}\\p{N} _-]", "").replace(' ', '-');
      int before = seen.merge(anchor, 1, Integer::sum) - 1;
      anchors.add(before == 0 ? anchor : anchor + "-" + before);
    }
    return anchors;
  }

  /** Every name that stands somewhere in code. */
  Set<String> namesInCode() {
    Set<String> names = new HashSet<>();
    for (Block block : blocks()) {
      addNames(block.code, names);
    }
    addNamesOfSpans(withoutBlocks(), names);
    return names;
  }

  /** Every name that stands in code in the title. */
  Set<String> namesInTitle() {
    Set<String> names = new HashSet<>();
    addNamesOfSpans(title(), names);
    return names;
  }

  private static void addNamesOfSpans(String prose, Set<String> names) {
    Matcher code = CODE.matcher(prose);
    while (code.find()) {
      addNames(code.group(1), names);
    }
  }

  private static void addNames(String code, Set<String> names) {
    names.addAll(List.of(code.split("\\W+")));
  }

  private String withoutBlocks() {
    return BLOCK.matcher(text).replaceAll("");
  }
}
