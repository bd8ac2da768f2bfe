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

import dev.sluice.delivery.ErrorClassifier;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A message was not sent, or nobody knows whether it was. */
public final class SendFailed extends RuntimeException implements ErrorClassifier.Classified {

  private static final long serialVersionUID = 1L;

  /** What is known about a failed send. */
  public enum Certainty {
    /** The message was not sent, and sending it again will fail again. */
    PERMANENT,
    /** The message was not sent; sending it again may succeed. */
    NOT_SENT,
    /** The message may have arrived: the answer was lost or late. */
    UNKNOWN
  }

  private final Certainty certainty;

  private SendFailed(Certainty certainty, String channel, String what, @Nullable Throwable cause) {
    super(channel + ": " + what, cause);
    this.certainty = Objects.requireNonNull(certainty, "certainty");
  }

  /** The message was not sent and never will be, as it is. */
  public static SendFailed permanent(String channel, String what, @Nullable Throwable cause) {
    return new SendFailed(Certainty.PERMANENT, channel, what, cause);
  }

  /** The message was not sent; another try may succeed. */
  public static SendFailed notSent(String channel, String what, @Nullable Throwable cause) {
    return new SendFailed(Certainty.NOT_SENT, channel, what, cause);
  }

  /** The message may or may not have arrived. */
  public static SendFailed unknown(String channel, String what, @Nullable Throwable cause) {
    return new SendFailed(Certainty.UNKNOWN, channel, what, cause);
  }

  /** Whether it is certain that the message was not sent. */
  public Certainty certainty() {
    return certainty;
  }

  /** Whether the message certainly did not arrive. */
  public boolean isDefinite() {
    return certainty != Certainty.UNKNOWN;
  }

  @Override
  public ErrorClassifier.Kind kind() {
    return certainty == Certainty.PERMANENT
        ? ErrorClassifier.Kind.POISON
        : ErrorClassifier.Kind.TRANSIENT;
  }
}
