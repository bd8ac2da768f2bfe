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
package dev.sluice.bench.report;

import java.util.List;
import java.util.Locale;

/** Ratios as bars, with a line where there is no difference; an SVG in light and dark. */
final class Plot {

  /** A ratio, less is better. */
  record Bar(String name, double ratio) {}

  private static final int WIDTH = 720;
  private static final int NAMES = 330;
  private static final int NUMBERS = 60;
  private static final int ROW = 24;
  private static final int TOP = 44;

  private static final String STYLE =
      """
      <style>
      text{font:13px sans-serif;fill:#1c1e21}.title{font-weight:600}.name{text-anchor:end}
      .bar{fill:#1e88e5}.more{fill:#ef6c00}.one{stroke:#3c4043;stroke-dasharray:4 3}
      @media (prefers-color-scheme:dark){
      text{fill:#e8eaed}.bar{fill:#64b5f6}.more{fill:#ffb74d}.one{stroke:#bdc1c6}
      }
      </style>
      """;

  private Plot() {}

  static String of(String title, List<Bar> bars) {
    double most = Math.max(1.25, bars.stream().mapToDouble(Bar::ratio).max().orElse(1));
    double unit = (WIDTH - NAMES - NUMBERS) / most;
    int height = TOP + bars.size() * ROW + 12;
    StringBuilder svg = new StringBuilder();
    svg.append(
        String.format(
            Locale.ROOT,
            "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d'"
                + " viewBox='0 0 %d %d' role='img'>%n<title>%s</title>%n",
            WIDTH,
            height,
            WIDTH,
            height,
            escaped(title)));
    svg.append(STYLE);
    svg.append(
        String.format(Locale.ROOT, "<text class='title' x='8' y='22'>%s</text>%n", escaped(title)));
    int y = TOP;
    for (Bar bar : bars) {
      svg.append(row(bar, y, Math.max(1, bar.ratio() * unit)));
      y += ROW;
    }
    return svg.append(
            String.format(
                Locale.ROOT, "<path class='one' d='M%.1f %dV%d'/>%n", NAMES + unit, TOP - 8, y))
        .append("</svg>\n")
        .toString();
  }

  private static String row(Bar bar, int y, double width) {
    return String.format(
        Locale.ROOT,
        "<text class='name' x='%d' y='%d'>%s</text>%n"
            + "<rect class='%s' x='%d' y='%d' width='%.1f' height='%d' rx='2'/>%n"
            + "<text x='%.1f' y='%d'>%.2f</text>%n",
        NAMES - 10,
        y + 14,
        escaped(bar.name()),
        bar.ratio() > 1 ? "more" : "bar",
        NAMES,
        y,
        width,
        ROW - 6,
        NAMES + width + 6,
        y + 14,
        bar.ratio());
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }
}
