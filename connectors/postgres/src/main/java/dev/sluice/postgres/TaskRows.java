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
package dev.sluice.postgres;

import dev.sluice.store.Content;
import dev.sluice.store.StepKey;
import dev.sluice.store.TaskStore.Dispatch;
import io.r2dbc.spi.Readable;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Reads the columns of tasks and their steps. */
final class TaskRows {

  private TaskRows() {}

  static StepKey key(Readable row) {
    return new StepKey(text(row, "task"), text(row, "name"));
  }

  static Dispatch dispatch(Readable row) {
    return new Dispatch(key(row), number(row, "version").longValue(), text(row, "channel"));
  }

  static String text(Readable row, String column) {
    return Objects.requireNonNull(row.get(column, String.class), column);
  }

  /** From a column, and one for its type. */
  static @Nullable Content content(Readable row, String column) {
    byte[] bytes = row.get(column, byte[].class);
    return bytes == null ? null : Content.of(text(row, column + "_type"), bytes);
  }

  static String[] array(Readable row, String column) {
    return Objects.requireNonNull(row.get(column, String[].class), column);
  }

  static Number number(Readable row, String column) {
    return Objects.requireNonNull(row.get(column, Number.class), column);
  }

  static boolean flag(Readable row, String column) {
    return Boolean.TRUE.equals(row.get(column, Boolean.class));
  }
}
