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

/**
 * Something that is owned for a time: a message without a group, or a lane. The number of the claim
 * is its fence, and no other claim ever has the same. We give it up a sixth of the lease before it
 * ends, so that our holder has been told when another gets it.
 */
abstract class Claimed {

  final long claim;
  private final long since;
  private volatile long until;
  private volatile boolean pinned;

  /**
   * @param asked when the claim was asked for, in nanoseconds of this process: the database has
   *     granted it later
   */
  Claimed(long claim, long asked, long leaseNanos) {
    this.claim = claim;
    this.since = asked;
    this.until = asked + leaseNanos / 6 * 5;
  }

  void renewed(long asked, long leaseNanos) {
    until = asked + leaseNanos / 6 * 5;
  }

  /** While a transaction holds its row nobody else can claim it, whatever the time. */
  void pin(boolean pinned) {
    this.pinned = pinned;
  }

  /** Whether nobody else can have claimed it, by any clock. */
  boolean isCertain() {
    return pinned || System.nanoTime() - until < 0;
  }

  /** For how long it has been held, in nanoseconds. */
  long age() {
    return System.nanoTime() - since;
  }
}
