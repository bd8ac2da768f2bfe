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

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What is published is in the BOM, in the README's table, and has what a user's tools look for. */
class PublishedModulesTest {

  private static final Pattern PARENT = Pattern.compile("<parent>.*?</parent>", Pattern.DOTALL);
  private static final Pattern NAME = Pattern.compile("<artifactId>([\\w-]+)</artifactId>");
  private static final Pattern OF_OURS =
      Pattern.compile(
          "<groupId>dev\\.sluice</groupId>\\s*<artifactId>([\\w-]+)</artifactId>\\s*"
              + "<version>\\$\\{project\\.version}</version>");

  /** Modules that are jars, and that are not kept back. */
  private static List<Page> published() {
    return Page.files("pom.xml").stream()
        .map(Page::read)
        .filter(pom -> !pom.text().contains("<packaging>pom</packaging>"))
        .filter(pom -> !pom.text().contains("<maven.deploy.skip>true</maven.deploy.skip>"))
        .toList();
  }

  private static String artifact(Page pom) {
    Matcher name = NAME.matcher(PARENT.matcher(pom.text()).replaceFirst(""));
    assertThat(name.find()).as("name of %s", pom.name()).isTrue();
    return name.group(1);
  }

  private static Set<String> artifacts() {
    Set<String> artifacts = new TreeSet<>();
    published().forEach(pom -> artifacts.add(artifact(pom)));
    assertThat(artifacts).contains("sluice-core", "sluice-kafka").hasSizeGreaterThan(9);
    assertThat(artifacts).doesNotContain("sluice-demo", "sluice-benchmarks");
    return artifacts;
  }

  @Test
  void areTheOnesInTheBom() {
    Set<String> listed = new TreeSet<>();
    Matcher entry = OF_OURS.matcher(Page.read(ROOT.resolve("toolkit/bom/pom.xml")).text());
    while (entry.find()) {
      listed.add(entry.group(1));
    }
    assertThat(listed).isEqualTo(artifacts());
  }

  @Test
  void areInTheReadme() {
    String readme = Page.read(ROOT.resolve("README.md")).text();
    assertThat(readme).contains("| `sluice-bom` |");
    for (String artifact : artifacts()) {
      assertThat(readme).contains("| `" + artifact + "` |");
    }
  }

  @Test
  void haveWhatOthersAskFor() {
    for (Page pom : published()) {
      assertThat(pom.text())
          .as(pom.name())
          .contains("<name>Sluice :: ", "<description>", "<sluice.module.name>dev.sluice");
    }
  }

  @Test
  void haveTheVersionOfTheirParent() {
    Pattern version = Pattern.compile("<version>([^<$]+)</version>");
    Set<String> versions = new TreeSet<>();
    for (Path file : Page.files("pom.xml")) {
      Matcher first = version.matcher(Page.read(file).text());
      assertThat(first.find()).as("version in %s", file).isTrue();
      versions.add(first.group(1));
    }
    assertThat(versions).hasSize(1);
  }
}
