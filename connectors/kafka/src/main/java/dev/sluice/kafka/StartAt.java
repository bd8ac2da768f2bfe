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
package dev.sluice.kafka;

/**
 * Where a group begins in a partition for which it has never committed an offset, or whose
 * committed offset the broker has forgotten ({@link KafkaChannelSpec#startAt}); and where it goes
 * on if its offset is not in the log, so that records may have been lost ({@link
 * KafkaChannelSpec#outOfRange}).
 */
public enum StartAt {
  /** With the oldest record there is: what was processed before may come again. */
  EARLIEST,
  /** After the newest record: what is there already is skipped. */
  LATEST,
  /** Nowhere: the receiver fails, and an operator has to set the offset. */
  FAIL
}
