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
package dev.sluice.channel;

/** The headers of a dead letter: what a channel adds to a message that was rejected. */
public final class DeadLetterHeaders {

  /** The name of the {@link dev.sluice.delivery.DeadLetterReason}. */
  public static final String REASON = "sl-dl-reason";

  /** The class and the message of the last exception, at most 512 characters. */
  public static final String ERROR = "sl-dl-error";

  /** The name of the channel that had delivered the message. */
  public static final String CHANNEL = "sl-dl-channel";

  /** The place in that channel, in its own notation. */
  public static final String POSITION = "sl-dl-position";

  /** The attempt that failed last. */
  public static final String ATTEMPT = "sl-dl-attempt";

  /** When it was rejected, RFC 3339. */
  public static final String AT = "sl-dl-at";

  /** When the message would have expired: a dead letter does not. RFC 3339. */
  public static final String EXPIRY = "sl-dl-expires-at";

  /** The parts of the message that did not succeed, if it was split, with commas between them. */
  public static final String FAILED_CHILDREN = "sl-failed-children";

  /** How often the message was sent back from the dead letters. */
  public static final String REDRIVES = "sl-redrives";

  private DeadLetterHeaders() {}
}
