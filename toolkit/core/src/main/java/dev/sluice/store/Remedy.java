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

import dev.sluice.time.Times;
import java.time.Duration;
import java.util.Objects;

/**
 * What is done about a step of a task that has failed, or that nobody has finished in time. Data: a
 * step keeps its remedies in the {@link TaskStore}, so that whoever finds it in trouble can apply
 * them.
 */
public sealed interface Remedy {

  /** The longest wait before a step is tried again. */
  Duration MAX_WAIT = Duration.ofDays(1);

  /**
   * The step is tried again, on the channel on which it was. Not for one that was refused for good.
   *
   * @param max how often, 1 to 1000
   * @param pause before it is tried again for the first time, zero or more; each later wait is
   *     twice as long
   * @param maxPause no wait is longer, at least {@code pause} and at most a day
   */
  record Retry(int max, Duration pause, Duration maxPause) implements Remedy {

    /**
     * Checks it.
     *
     * @throws IllegalArgumentException if an argument is out of range
     */
    public Retry {
      if (max < 1 || max > 1000) {
        throw new IllegalArgumentException("max: " + max + " (expected: 1..1000)");
      }
      Times.between("pause", pause, Duration.ZERO, MAX_WAIT);
      Times.between("maxPause", maxPause, pause, MAX_WAIT);
    }

    /**
     * The wait before a try.
     *
     * @param tries how often it was tried again before, zero or more
     */
    public Duration waitBefore(int tries) {
      Duration waits = pause;
      for (int i = 0; i < tries && waits.compareTo(maxPause) < 0 && !waits.isZero(); i++) {
        waits = waits.multipliedBy(2);
      }
      return waits.compareTo(maxPause) > 0 ? maxPause : waits;
    }
  }

  /**
   * The step is tried once more, on another channel, by other agents.
   *
   * @param channel its name, 1 to {@value TaskStore#MAX_CHANNEL} characters
   */
  record Reassign(String channel) implements Remedy {

    /**
     * Checks it.
     *
     * @throws IllegalArgumentException if the name is out of range
     */
    public Reassign {
      StoredText.require("channel", channel, TaskStore.MAX_CHANNEL);
    }
  }

  /** Everything that the task has done is undone, the last step first. */
  record UndoTask() implements Remedy {}

  /** The step waits until somebody has looked at it. */
  record Escalate() implements Remedy {}

  /** {@link Retry}, with waits of at most a minute, or of {@code pause} if that is longer. */
  static Remedy retry(int max, Duration pause) {
    Duration minute = Duration.ofMinutes(1);
    return new Retry(max, pause, pause.compareTo(minute) > 0 ? pause : minute);
  }

  /** {@link Reassign}. */
  static Remedy reassign(String channel) {
    return new Reassign(channel);
  }

  /** {@link UndoTask}. */
  static Remedy undoTask() {
    return new UndoTask();
  }

  /** {@link Escalate}. */
  static Remedy escalate() {
    return new Escalate();
  }

  /** As a store may keep it: {@code retry 3 PT1S PT1M}, {@code reassign fuel.north}. */
  static String format(Remedy remedy) {
    Objects.requireNonNull(remedy, "remedy");
    if (remedy instanceof Retry retry) {
      return "retry " + retry.max + ' ' + retry.pause + ' ' + retry.maxPause;
    }
    if (remedy instanceof Reassign reassign) {
      return "reassign " + reassign.channel;
    }
    return remedy instanceof UndoTask ? "undo" : "escalate";
  }

  /**
   * What {@link #format} has written.
   *
   * @throws IllegalArgumentException if it has not
   */
  static Remedy parse(String text) {
    if (text.equals("undo")) {
      return undoTask();
    }
    if (text.equals("escalate")) {
      return escalate();
    }
    if (text.startsWith("reassign ")) {
      return reassign(text.substring("reassign ".length()));
    }
    String[] parts = text.split(" ", -1);
    if (parts.length == 4 && parts[0].equals("retry")) {
      return new Retry(
          Integer.parseInt(parts[1]), Duration.parse(parts[2]), Duration.parse(parts[3]));
    }
    throw new IllegalArgumentException(
        "remedy: \"" + text + "\" (expected: retry, reassign, undo or escalate)");
  }
}
