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
package dev.sluice.gather;

import static dev.sluice.gather.ScatterGather.scatterGather;

import dev.sluice.channel.Recipient;
import dev.sluice.test.marble.MarbleScript;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What the diagrams show is what happens. */
class ScatterGatherMarbleTest {

  private static final Path SCRIPTS = Path.of("src/main/java/dev/sluice/gather/doc-files");

  private static ScatterGather<String, String> scatter(
      Map<String, Flux<String>> in, UnaryOperator<ScatterSpec<String>> spec) {
    List<Recipient<String, String>> recipients =
        in.keySet().stream()
            .filter(name -> !name.endsWith("2"))
            .map(name -> recipient(name, in))
            .toList();
    return scatterGather(Recipients.ofAll(recipients), spec);
  }

  /** Who answers as its lane says, and the second time as the lane with a 2 says. */
  private static Recipient<String, String> recipient(String name, Map<String, Flux<String>> in) {
    Flux<String> second = in.getOrDefault(name + "2", Flux.never()).publish().autoConnect(0);
    return new Recipient<>() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public Flux<String> ask(String request) {
        return in.getOrDefault(name, Flux.never());
      }

      @Override
      public Flux<String> hedge(String request) {
        return second;
      }
    };
  }

  private static String draw(Gathered<String> gathered) {
    return gathered.legs().stream()
        .map(
            leg -> leg.answer() != null ? leg.answer() : leg.state() == Leg.State.EMPTY ? "-" : "?")
        .collect(Collectors.joining("-", "[", "]")); // a space is time, too
  }

  @Test
  void saysWhatIsMissing() {
    MarbleScript.load(SCRIPTS.resolve("scatterGather.marble"))
        .verify(
            in ->
                scatter(in, s -> s.within(Duration.ofMillis(9)))
                    .ask("?")
                    .map(ScatterGatherMarbleTest::draw)
                    .flux());
  }

  @Test
  void streamsWhatComes() {
    MarbleScript.load(SCRIPTS.resolve("scatterGatherStream.marble"))
        .verify(
            in ->
                scatter(in, s -> s.within(Duration.ofMillis(9))).stream("?")
                    .concatMap(leg -> Mono.justOrEmpty(leg.answer())));
  }

  @Test
  void asksASecondTime() {
    MarbleScript.load(SCRIPTS.resolve("scatterGatherHedge.marble"))
        .verify(
            in ->
                scatter(in, s -> s.hedge(Duration.ofMillis(4), 1))
                    .ask("?")
                    .map(ScatterGatherMarbleTest::draw)
                    .flux());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"scatterGather.marble", "scatterGatherStream.marble", "scatterGatherHedge.marble"})
  void thePictureIsFresh(String script) {
    MarbleScript.verifyPicture(SCRIPTS.resolve(script));
  }
}
