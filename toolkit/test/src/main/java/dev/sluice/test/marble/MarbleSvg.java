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

import dev.sluice.test.marble.MarbleLane.Event;
import java.util.List;
import java.util.Locale;

/** Draws a script. The same script always gives the same bytes. */
final class MarbleSvg {

  private static final int COLUMN = 16;
  private static final int LEFT = 130;
  private static final int LANE_HEIGHT = 60;
  private static final int RADIUS = 15;
  private static final int OPERATOR_CHARACTER = 10;
  private static final String[] COLOURS = {
    "#8bc34a", "#ffca28", "#4fc3f7", "#ff8a65", "#b39ddb", "#4db6ac", "#bcaaa4", "#f48fb1"
  };

  private static final String STYLE =
      """
      <style>
      text{font:13px sans-serif;text-anchor:middle;fill:#1c1e21}
      .name{text-anchor:end}
      .operator{font:600 15px ui-monospace,monospace}
      .line,.mark{stroke:#3c4043;stroke-width:2;fill:none}
      .head{fill:#3c4043}
      .box{fill:#fff;stroke:#3c4043;stroke-width:2}
      .marble{stroke:#3c4043;stroke-width:1.5}
      .gone{fill:none;stroke:#3c4043;stroke-width:1.5;stroke-dasharray:3 3}
      .batch{fill:#eceff1;stroke:#3c4043;stroke-width:1.5}
      .error{stroke:#c62828;stroke-width:3;fill:none}
      .on{fill:#1c1e21}
      @media (prefers-color-scheme:dark){
      text{fill:#e8eaed}.line,.mark,.gone{stroke:#bdc1c6}.head{fill:#bdc1c6}
      .box{fill:#202124;stroke:#bdc1c6}.error{stroke:#ff8a80}.on{fill:#1c1e21}
      }
      </style>
      """;

  private final StringBuilder svg = new StringBuilder();
  private final int width;
  private int y = 36;

  private MarbleSvg(int width) {
    this.width = width;
  }

  static String draw(MarbleScript script) {
    int columns = Math.max(longest(script.inputs()), longest(script.outputs()));
    int lanes = LEFT + (columns + 3) * COLUMN;
    int operator = script.operator().length() * OPERATOR_CHARACTER + 48;
    MarbleSvg picture = new MarbleSvg(Math.max(lanes, operator));
    script.inputs().forEach(picture::lane);
    picture.operator(script.operator());
    script.outputs().forEach(picture::lane);
    return picture.finish(script.title());
  }

  private static int longest(List<MarbleLane> lanes) {
    return lanes.stream().mapToInt(lane -> lane.text().length()).max().orElse(0);
  }

  private void lane(MarbleLane lane) {
    print("<text class='name' x='%d' y='%d'>%s</text>", LEFT - 26, y + 5, escape(lane.name()));
    print("<path class='line' d='M%d %dH%d'/>", LEFT - 18, y, width - 16);
    print("<path class='head' d='M%d %dl-9 -5v10z'/>", width - 8, y);
    lane.events().forEach(this::event);
    y += LANE_HEIGHT;
  }

  private void event(Event event) {
    int x = LEFT + event.column() * COLUMN;
    switch (event.kind()) {
      case ELEMENT -> {
        String colour = COLOURS[(event.label().charAt(0) - 'a') % COLOURS.length];
        print("<circle class='marble' cx='%d' cy='%d' r='%d' fill='%s'/>", x, y, RADIUS, colour);
        print("<text class='on' x='%d' y='%d'>%s</text>", x, y + 5, event.label());
      }
      case DISCARDED -> {
        print("<circle class='gone' cx='%d' cy='%d' r='%d'/>", x, y, RADIUS);
        print("<text x='%d' y='%d'>%s</text>", x, y + 5, event.label());
      }
      case BATCH -> {
        int w = event.label().length() * 8 + 20;
        print(
            "<rect class='batch' x='%d' y='%d' width='%d' height='30' rx='15'/>",
            x - RADIUS, y - RADIUS, w);
        print(
            "<text class='on' x='%d' y='%d'>%s</text>",
            x - RADIUS + w / 2, y + 5, escape(event.label()));
      }
      case COMPLETE -> print("<path class='mark' d='M%d %dv32'/>", x, y - 16);
      case ERROR -> print("<path class='error' d='M%d %dl20 20m0 -20l-20 20'/>", x - 10, y - 10);
      case CANCEL -> print("<path class='mark' stroke-dasharray='4 3' d='M%d %dv32'/>", x, y - 16);
    }
  }

  private void operator(String text) {
    print("<rect class='box' x='8' y='%d' width='%d' height='40' rx='5'/>", y - 20, width - 16);
    print("<text class='operator' x='%d' y='%d'>%s</text>", width / 2, y + 5, escape(text));
    y += LANE_HEIGHT + 4;
  }

  private String finish(String title) {
    int height = y - LANE_HEIGHT + 36;
    return String.format(
                Locale.ROOT,
                "<svg xmlns='http://www.w3.org/2000/svg' width='%1$d' height='%2$d'"
                    + " viewBox='0 0 %1$d %2$d' role='img'>%n<title>%3$s</title>%n",
                width,
                height,
                escape(title))
            .replace(System.lineSeparator(), "\n")
        + STYLE
        + svg
        + "</svg>\n";
  }

  private void print(String format, Object... values) {
    svg.append(String.format(Locale.ROOT, format, values)).append('\n');
  }

  private static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("'", "&#39;");
  }
}
