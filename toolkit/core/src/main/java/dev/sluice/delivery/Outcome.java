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
package dev.sluice.delivery;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of a delivery. There are four outcomes and no fifth way out.
 *
 * <p>{@link #worse(Outcome)} orders them and so joins the outcomes of several children into the
 * outcome of their parent.
 */
public sealed interface Outcome {

  /** The message is done with; the source may forget it. */
  record Ack(Reason reason) implements Outcome {

    /** Why the message is done with. */
    public enum Reason {
      /** Its work succeeded. */
      PROCESSED,
      /** A filter did not let it through. */
      FILTERED,
      /** It had been processed before. */
      DUPLICATE,
      /** Its saga failed and was compensated completely. */
      COMPENSATED,
      /** It waits somewhere else, durably, to be worked on later. */
      DEFERRED
    }

    static final Ack PROCESSED = new Ack(Reason.PROCESSED);
    static final Ack FILTERED = new Ack(Reason.FILTERED);
    static final Ack DEFERRED = new Ack(Reason.DEFERRED);

    public Ack {
      Objects.requireNonNull(reason, "reason");
    }
  }

  /**
   * The message was not worked on: the source delivers it again, and the attempt is not counted.
   *
   * @param why what made it go back
   * @param delay how long the source should wait before it delivers the message again, zero or more
   */
  record Release(Why why, Duration delay) implements Outcome {

    /** What made a delivery go back. */
    public enum Why {
      /** The flow is stopping. */
      STOPPED,
      /** The subscriber cancelled, or the element was discarded on the way. */
      CANCELLED,
      /** The ownership of the message went to another consumer. */
      LOST,
      /** Somebody else is working on the same thing. */
      BUSY
    }

    public Release {
      Objects.requireNonNull(why, "why");
      requireNotNegative(delay);
    }

    /** Whether the end of the subscription or of the ownership caused it, not the message. */
    boolean isTruncation() {
      return why != Why.BUSY;
    }
  }

  /**
   * The work failed and should be tried again: the source delivers the message again, and the
   * attempt is counted.
   *
   * @param delay how long the source must wait at least, zero or more
   * @param cause what failed, if anything is known
   */
  record Retry(Duration delay, @Nullable Throwable cause) implements Outcome {
    public Retry {
      requireNotNegative(delay);
    }
  }

  /**
   * The message will never be processed here: it goes to the dead letters, and only when that is
   * confirmed may the source forget it.
   *
   * @param reason the kind of trouble
   * @param cause what failed, if anything is known
   * @param attempts which attempt failed last, if there were more than the source has counted
   *     because some were made in place; else 0
   * @param failedChildren the ids of the parts that did not succeed, if the message was split; ends
   *     with {@link #OTHERS} unless these are all. Empty if it was not split or nobody can tell
   */
  record Reject(
      DeadLetterReason reason, @Nullable Throwable cause, int attempts, List<String> failedChildren)
      implements Outcome {

    /** Stands in {@link #failedChildren} for parts that are not named there. */
    public static final String OTHERS = "*";

    public Reject {
      Objects.requireNonNull(reason, "reason");
      if (attempts < 0) {
        throw new IllegalArgumentException("attempts: " + attempts + " (expected: >= 0)");
      }
      failedChildren = List.copyOf(failedChildren);
    }

    /** A rejection about which no more is known. */
    public Reject(DeadLetterReason reason, @Nullable Throwable cause) {
      this(reason, cause, 0, List.of());
    }

    /** The same at another number of attempts, 0 or more. */
    public Reject withAttempts(int attempts) {
      return new Reject(reason, cause, attempts, failedChildren);
    }

    /** The same with other failed children. */
    public Reject withFailedChildren(List<String> failedChildren) {
      return new Reject(reason, cause, attempts, failedChildren);
    }
  }

  /** The ordinary good end. */
  static Outcome ack() {
    return Ack.PROCESSED;
  }

  /** A filter did not let the message through, which is a good end too. */
  static Outcome filtered() {
    return Ack.FILTERED;
  }

  /** The message waits somewhere else, durably: this delivery of it is done with. */
  static Outcome deferred() {
    return Ack.DEFERRED;
  }

  /** Gives the message back at once. */
  static Outcome release(Release.Why why) {
    return new Release(why, Duration.ZERO);
  }

  /** Asks for another attempt after {@code delay}. */
  static Outcome retry(Duration delay, @Nullable Throwable cause) {
    return new Retry(delay, cause);
  }

  /** Sends the message to the dead letters. */
  static Outcome reject(DeadLetterReason reason, @Nullable Throwable cause) {
    return new Reject(reason, cause);
  }

  /**
   * The worse of two outcomes, which is what a parent gets from its children.
   *
   * <p>Reject is worse than Retry, Retry than Release, Release than Ack; of two of a kind the one
   * with the longer delay, else this one. One exception keeps a stop from costing messages: a
   * Release that a stop, a cancel or a loss caused is the worst of all, because work that was cut
   * short has not been seen to its end, and what its siblings say is no judgement of the message.
   *
   * <p>This is a total order, so children may be joined in any order.
   */
  default Outcome worse(Outcome other) {
    int difference = other.badness() - badness();
    if (difference == 0) {
      difference = other.pause().compareTo(pause());
    }
    return difference > 0 ? other : this;
  }

  private int badness() {
    if (this instanceof Ack) {
      return 0;
    }
    if (this instanceof Release release) {
      return release.isTruncation() ? 4 : 1;
    }
    return this instanceof Retry ? 2 : 3;
  }

  /** How long the message rests. */
  private Duration pause() {
    if (this instanceof Release release) {
      return release.delay();
    }
    return this instanceof Retry retry ? retry.delay() : Duration.ZERO;
  }

  private static void requireNotNegative(Duration delay) {
    if (Objects.requireNonNull(delay, "delay").isNegative()) {
      throw new IllegalArgumentException("delay: " + delay + " (expected: >= PT0S)");
    }
  }
}
