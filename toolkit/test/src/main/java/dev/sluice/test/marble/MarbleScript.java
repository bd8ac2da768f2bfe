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

import dev.sluice.Experimental;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import reactor.core.publisher.Flux;

/**
 * A marble diagram as text, which is drawn and is also a test of what it shows.
 *
 * <pre>
 * title Elements of one key keep their order, two keys run at once
 * orders     a1-b1-a2---c1---|
 * > groupedConvoy(Order::customer, 2)
 * receipts   ----a1--b1--a2--c1---|
 * </pre>
 *
 * <p>Lanes above the line with {@code >} are inputs, those below are outputs. A column is a unit of
 * time, one millisecond in a replay, so that what lines up in the text lines up in the picture.
 * {@code a1} is an element (the letter is its colour, usually its key), {@code [a1 b1]} several as
 * one, {@code -} time, {@code |} completion, {@code #} an error, {@code !} a cancel, {@code a1~} a
 * discarded element; what stands where an earlier token still takes room comes right after it.
 * Lines that begin with {@code %} are comments. An output lane called {@code discarded} shows what
 * reached the discard hook.
 */
@Experimental
public final class MarbleScript {

  static final String DISCARDED = "discarded";

  private final String title;
  private final String operator;
  private final List<MarbleLane> inputs;
  private final List<MarbleLane> outputs;

  private MarbleScript(
      String title, String operator, List<MarbleLane> inputs, List<MarbleLane> outputs) {
    this.title = title;
    this.operator = operator;
    this.inputs = inputs;
    this.outputs = outputs;
  }

  /**
   * Reads a script.
   *
   * @throws IllegalArgumentException if it has no title, no operator or no lane on either side, or
   *     a lane cannot be read
   */
  public static MarbleScript parse(String text) {
    String title = "";
    String operator = "";
    List<MarbleLane> inputs = new ArrayList<>();
    List<MarbleLane> outputs = new ArrayList<>();
    for (String line : text.lines().toList()) {
      if (line.isBlank() || line.startsWith("%")) {
        continue;
      }
      if (line.startsWith("title ")) {
        title = line.substring("title ".length()).strip();
      } else if (line.startsWith(">")) {
        operator = line.substring(1).strip();
      } else {
        (operator.isEmpty() ? inputs : outputs).add(MarbleLane.parse(line));
      }
    }
    if (title.isEmpty() || operator.isEmpty() || inputs.isEmpty() || outputs.isEmpty()) {
      throw new IllegalArgumentException(
          "script: \"" + text + "\" (expected: a title, input lanes, a line with >, output lanes)");
    }
    return new MarbleScript(title, operator, List.copyOf(inputs), List.copyOf(outputs));
  }

  /** Reads a script from a file. */
  public static MarbleScript load(Path file) {
    try {
      return parse(Files.readString(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What the diagram says, which is also the text for those who cannot see it. */
  public String title() {
    return title;
  }

  String operator() {
    return operator;
  }

  List<MarbleLane> inputs() {
    return inputs;
  }

  List<MarbleLane> outputs() {
    return outputs;
  }

  /** The picture: SVG that follows the reader's light or dark scheme and needs no font. */
  public String toSvg() {
    return MarbleSvg.draw(this);
  }

  /**
   * Replays the input lanes in virtual time and compares what comes out with the output lanes, as
   * text. Not to be called while another test of the same JVM uses virtual time.
   *
   * @param operator is given the input lanes by name and makes the output
   * @throws AssertionError if a lane differs; both are printed one above the other
   */
  public void verify(Function<Map<String, Flux<String>>, Flux<String>> operator) {
    MarbleReplay.run(this, in -> Map.of(outputs.get(0).name(), operator.apply(in)));
  }

  /**
   * {@link #verify} of several output lanes, all of which are subscribed to at the beginning, in
   * the order of the script.
   *
   * @param operator is given the input lanes by name and makes the output lanes by name
   * @throws AssertionError if a lane differs or is not made
   */
  public void verifyLanes(Function<Map<String, Flux<String>>, Map<String, Flux<String>>> operator) {
    MarbleReplay.run(this, operator);
  }

  /**
   * Fails when the picture beside the script is not the one that the script draws. With the system
   * property {@code sluice.marbles=write} it is written instead.
   *
   * @param script a file that ends with {@code .marble}; the picture ends with {@code .svg}
   * @throws AssertionError if the picture is missing or stale
   */
  public static void verifyPicture(Path script) {
    String drawn = load(script).toSvg();
    Path picture =
        script.resolveSibling(script.getFileName().toString().replaceFirst("\\.marble$", ".svg"));
    try {
      if ("write".equals(System.getProperty("sluice.marbles"))) {
        Files.writeString(picture, drawn);
      } else if (!Files.exists(picture) || !Files.readString(picture).equals(drawn)) {
        throw new AssertionError(
            picture
                + " is not what "
                + script.getFileName()
                + " draws; run the test with -Dsluice.marbles=write");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The time that a replay takes: to the end of the longest lane, and a little more. */
  Duration duration() {
    int columns = 0;
    for (List<MarbleLane> lanes : List.of(inputs, outputs)) {
      for (MarbleLane lane : lanes) {
        columns = Math.max(columns, lane.text().length());
      }
    }
    return Duration.ofMillis(columns + 20L);
  }
}
