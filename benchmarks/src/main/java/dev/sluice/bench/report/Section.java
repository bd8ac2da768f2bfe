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

import java.io.IOException;
import java.nio.file.Path;

/** A part of the page that a run writes anew, between its markers. */
interface Section {

  /** What its markers name. */
  String id();

  /**
   * Runs it.
   *
   * @param pictures where plots go
   * @return what comes between the markers, in Markdown
   */
  String run(Effort effort, Path pictures) throws IOException, InterruptedException;
}
