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
package dev.sluice.contract;

import org.jspecify.annotations.Nullable;

/**
 * What goes wrong in a trial, and when.
 *
 * @param kind what goes wrong
 * @param at the moment, step or call at which it does, from 0
 * @param source the number of the source that fails
 * @param fault how the call fails
 */
record Disturbance(Kind kind, int at, int source, @Nullable Fault fault) {

  enum Kind {
    NONE,
    CANCEL,
    SOURCE_FAILS,
    CALL_FAILS
  }

  static final Disturbance NONE = new Disturbance(Kind.NONE, -1, -1, null);

  static Disturbance cancelAt(int moment) {
    return new Disturbance(Kind.CANCEL, moment, -1, null);
  }

  static Disturbance failSource(int source, int step) {
    return new Disturbance(Kind.SOURCE_FAILS, step, source, null);
  }

  static Disturbance failCall(int call, Fault fault) {
    return new Disturbance(Kind.CALL_FAILS, call, -1, fault);
  }

  @Override
  public String toString() {
    return switch (kind) {
      case NONE -> "undisturbed";
      case CANCEL -> "cancelled at moment " + at;
      case SOURCE_FAILS -> "source " + source + " fails at step " + at;
      case CALL_FAILS -> "call " + at + " of a user's function fails: " + fault;
    };
  }
}
