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
package dev.sluice.dispatch;

/** Ends a run of a worker from outside: its time is up, or its element is no longer ours. */
final class Interruption<T> extends Signal {

  final Lane<T> lane;
  final int run;
  final Throwable cause;

  /** Also if the worker has terminated: while its values wait for demand, or the lane is held. */
  final boolean late;

  Interruption(Lane<T> lane, int run, Throwable cause, boolean late) {
    this.lane = lane;
    this.run = run;
    this.cause = cause;
    this.late = late;
  }
}
