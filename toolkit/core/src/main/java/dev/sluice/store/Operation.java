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
package dev.sluice.store;

import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Work that was accepted and is done later, as an {@link OperationStore} had it at a moment.
 *
 * @param id names it, and nobody can guess it: who knows it has been told
 * @param kind what sort of work it is; whoever works takes one kind
 * @param caller who has asked for it
 * @param phase how far it is
 * @param progress what its worker last said, if anything
 * @param cancelRequested whether somebody has asked that it be cancelled
 * @param attempts how often somebody has begun it; one that was given back is not counted
 * @param ending what has become of it; null unless {@code phase} is {@link Phase#ENDED}
 * @param revision greater after each change that can be seen here, but for the end of retention
 * @param age the time since it was accepted, by the clock of the store
 */
public record Operation(
    String id,
    String kind,
    String caller,
    Phase phase,
    @Nullable Progress progress,
    boolean cancelRequested,
    int attempts,
    @Nullable Ending ending,
    long revision,
    Duration age) {

  /** How far an operation is. */
  public enum Phase {
    /** Accepted, and nobody has begun it, or whoever had has given it back. */
    PENDING,
    /** Somebody has begun it; whether they still live is known when their lease ends. */
    RUNNING,
    /** Over, with an {@link Ending}. */
    ENDED,
    /** Over, and what had become of it is no longer retained. */
    EXPIRED
  }

  /**
   * How far the work is.
   *
   * @param percent 0..100
   * @param note for people, at most {@value #MAX_NOTE} characters; empty for none
   */
  public record Progress(int percent, String note) {

    /** The longest note, in characters. */
    public static final int MAX_NOTE = 500;

    /**
     * Checks them.
     *
     * @throws IllegalArgumentException if one is out of range
     */
    public Progress {
      if (percent < 0 || percent > 100) {
        throw new IllegalArgumentException("percent: " + percent + " (expected: 0..100)");
      }
      StoredText.require("note", note, 0, MAX_NOTE);
    }
  }

  /** What has become of an operation. */
  public sealed interface Ending {

    /**
     * It has a result, which is kept with it.
     *
     * @param content at most {@link OperationStore#MAX_BODY} bytes
     */
    record Result(Content content) implements Ending {

      public Result {
        requireSize(content);
      }
    }

    /**
     * Its result is somewhere else.
     *
     * @param location where, 1 to {@value #MAX_LOCATION} characters
     */
    record ResultAt(String location) implements Ending {

      /** The longest location, in characters. */
      public static final int MAX_LOCATION = 2_000;

      public ResultAt {
        StoredText.require("location", location, 1, MAX_LOCATION);
      }
    }

    /**
     * It has failed.
     *
     * @param status the HTTP status that says so best, 400..599
     * @param problem more about it, for the caller; at most {@link OperationStore#MAX_BODY} bytes
     */
    record Failure(int status, Content problem) implements Ending {

      public Failure {
        if (status < 400 || status > 599) {
          throw new IllegalArgumentException("status: " + status + " (expected: 400..599)");
        }
        requireSize(problem);
      }
    }

    /** It was cancelled, and what it had done so far is as it is. */
    record Cancelled() implements Ending {}

    private static void requireSize(Content content) {
      if (content.bytes().length > OperationStore.MAX_BODY) {
        throw new IllegalArgumentException(
            "content: "
                + content.bytes().length
                + " bytes (expected: <= "
                + OperationStore.MAX_BODY
                + ")");
      }
    }
  }

  public Operation {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(caller, "caller");
    Objects.requireNonNull(phase, "phase");
    Objects.requireNonNull(age, "age");
    if ((phase == Phase.ENDED) != (ending != null)) {
      throw new IllegalArgumentException(
          "ending: " + ending + " (expected: one if, and only if, the phase is ENDED)");
    }
  }

  /** Whether nothing will become of it any more. */
  public boolean isOver() {
    return phase == Phase.ENDED || phase == Phase.EXPIRED;
  }
}
