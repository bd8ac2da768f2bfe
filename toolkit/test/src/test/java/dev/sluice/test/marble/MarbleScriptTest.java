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
package dev.sluice.test.marble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Mono;

class MarbleScriptTest {

  private static final String DELAYED =
      """
      title Each element takes four units, one after the other
      source  a1-b1-c1--|
      > concatMap(delay)
      output  ----a1--b1--c1|
      """;

  @Nested
  class Replay {

    @Test
    void passesWhenTheLanesAgree() {
      MarbleScript.parse(DELAYED)
          .verify(
              in ->
                  in.get("source").concatMap(v -> Mono.just(v).delayElement(Duration.ofMillis(4))));
    }

    @Test
    void failsWithBothLanesWhenTheyDiffer() {
      assertThatThrownBy(
              () ->
                  MarbleScript.parse(DELAYED)
                      .verify(
                          in ->
                              in.get("source")
                                  .concatMap(v -> Mono.just(v).delayElement(Duration.ofMillis(3)))))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("----a1--b1--c1|")
          .hasMessageContaining("---a1-b1-c1|");
    }

    @Test
    void showsErrorsCancelsAndWhatIsDiscarded() {
      MarbleScript.parse(
              """
              title An error ends it
              source  a1-#
              > map
              output  a1-#
              """)
          .verify(in -> in.get("source"));
      MarbleScript.parse(
              """
              title A cancel discards the open batch
              source     a1-b1-c1--d1---
              > buffer(3)
              output     ------z1----!
              discarded  ------------d1~
              """)
          .verify(in -> in.get("source").buffer(3).map(batch -> "z1"));
    }

    @Test
    void failsWhenSomethingIsDiscardedThatNoLaneShows() {
      assertThatThrownBy(
              () ->
                  MarbleScript.parse(
                          """
                          title A filter
                          source  a1-b1|
                          > filter
                          output  a1---|
                          """)
                      .verify(in -> in.get("source").filter("a1"::equals)))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("b1~");
    }
  }

  @Nested
  class Reading {

    @Test
    void namesTheColumnOfWhatItCannotRead() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> MarbleScript.parse("title x\nsource  a1-?\n> map\noutput  a1"))
          .withMessageContaining("column 12")
          .withMessageContaining("'?'");
    }

    @Test
    void wantsATitleAnOperatorAndLanesOnBothSides() {
      assertThatIllegalArgumentException().isThrownBy(() -> MarbleScript.parse("source a1"));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> MarbleScript.parse("title x\nsource  a1\n> map"));
    }
  }

  @Nested
  class Picture {

    @Test
    void isWellFormedAndAlwaysTheSame() throws Exception {
      String svg = MarbleScript.parse(DELAYED).toSvg();
      assertThat(svg).isEqualTo(MarbleScript.parse(DELAYED).toSvg());
      var root =
          DocumentBuilderFactory.newInstance()
              .newDocumentBuilder()
              .parse(
                  new java.io.ByteArrayInputStream(
                      svg.getBytes(java.nio.charset.StandardCharsets.UTF_8)))
              .getDocumentElement();
      assertThat(root.getElementsByTagName("circle").getLength()).isEqualTo(6);
      assertThat(root.getElementsByTagName("title").item(0).getTextContent())
          .isEqualTo("Each element takes four units, one after the other");
    }

    @Test
    void isStaleWhenTheScriptHasChanged(@TempDir Path directory) throws Exception {
      Path script = directory.resolve("delayed.marble");
      Files.writeString(script, DELAYED);
      assertThatThrownBy(() -> MarbleScript.verifyPicture(script))
          .isInstanceOf(AssertionError.class);
      Files.writeString(directory.resolve("delayed.svg"), MarbleScript.parse(DELAYED).toSvg());
      MarbleScript.verifyPicture(script);
      Files.writeString(script, DELAYED.replace("c1", "d1"));
      assertThatThrownBy(() -> MarbleScript.verifyPicture(script))
          .hasMessageContaining("sluice.marbles=write");
    }
  }
}
