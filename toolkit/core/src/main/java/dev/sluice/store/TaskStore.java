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
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Tasks whose steps are done by agents elsewhere: which steps there are, which come before which,
 * who has each, what has come of it.
 *
 * <p>A step waits for those before it; then it is ready, is sent to its channel, and is claimed by
 * an agent under a lease. The lease never outlasts the time within which the step is to be
 * complete, so that a step that is overdue is one that nobody has. One that has failed, or whose
 * lease has ended, is in trouble until a supervisor has treated it. When a task is undone, each
 * step that was ever begun is undone, and only when all that come after it are; a step that
 * somebody has under a lease at that moment is waited for.
 *
 * <p>Each change of hands raises the version of the step. Who was away for longer than its lease,
 * agent or supervisor, has an old version, and whatever it says is refused.
 *
 * <p>An operation begins when it is subscribed to, anew for each subscription; an argument that is
 * out of range is an {@link IllegalArgumentException} of the call. For every operation:
 *
 * <dl>
 *   <dt>Emits
 *   <dd>what it says, when the store has it
 *   <dt>Backpressure
 *   <dd>what is found or taken is held until it is requested, at most as many as were asked for
 *   <dt>Completes/Errors
 *   <dd>fails with {@link StoreFailed} when the store could not be asked; whether the operation has
 *       taken effect is then unknown, and it may be repeated. What was taken stays taken until its
 *       lease ends
 *   <dt>Cancel
 *   <dd>ends the waiting, not the operation; a {@link #claim} whose turn has not come may be left
 *       out
 *   <dt>Discard
 *   <dd>nothing to discard
 *   <dt>Threads
 *   <dd>on a scheduler of the store, or, if it answers without waiting as those in memory do, on
 *       the thread that subscribes
 * </dl>
 */
public interface TaskStore {

  /** The longest id of a task, in characters. */
  int MAX_ID = 200;

  /** The longest kind, in characters. */
  int MAX_KIND = 100;

  /** The longest name of a step, in characters. */
  int MAX_STEP = 100;

  /** The longest name of a channel, in characters. */
  int MAX_CHANNEL = 200;

  /** The longest agent, in characters. */
  int MAX_AGENT = 200;

  /** The longest note, in characters; what is longer is cut off. */
  int MAX_NOTE = 1_000;

  /** The largest input and the largest output of a step, in bytes: 256 KiB. */
  int MAX_BODY = 1 << 18;

  /** The most steps of a task. */
  int MAX_STEPS = 64;

  /** The most remedies of a step. */
  int MAX_REMEDIES = 16;

  /** As many are taken or found at once, at most. */
  int MAX_LIMIT = 1_000;

  /**
   * A step that is ready and is to be sent to its channel.
   *
   * @param version with which it may be claimed
   */
  record Dispatch(StepKey key, long version, String channel) {

    public Dispatch {
      Objects.requireNonNull(key, "key");
      Objects.requireNonNull(channel, "channel");
    }
  }

  /**
   * A step that an agent has.
   *
   * @param kind that of its task
   * @param undoing whether it is to be undone
   * @param input what it was given
   * @param outputs what the steps before it gave, by their names; those that gave nothing are not
   *     there
   * @param output what it gave, if it is to be undone; null if that is nothing, or is not known
   * @param attempt which attempt this is, counted together with those of its undoing, 1 or more
   * @param version greater than that of every earlier claim of this step: the fence
   * @param left how long until it must be complete
   */
  record Run(
      StepKey key,
      String kind,
      boolean undoing,
      Content input,
      Map<String, Content> outputs,
      @Nullable Content output,
      int attempt,
      long version,
      Duration left) {

    public Run {
      Objects.requireNonNull(key, "key");
      Objects.requireNonNull(kind, "kind");
      Objects.requireNonNull(input, "input");
      Objects.requireNonNull(left, "left");
      outputs = Map.copyOf(outputs);
    }
  }

  /** What an agent is told that asks for more time. */
  enum Renewal {
    /** The step is its for another lease. */
    HELD,
    /** The step is its, but the task is to be undone: it should stop, and give the step back. */
    UNWANTED,
    /** The step is not its any more: whatever it does now does not count. */
    LOST
  }

  /** Why a step is in trouble. */
  enum Cause {
    /** Its agent has said so. */
    FAILED,
    /** Its agent has not been heard of for its lease. */
    EXPIRED,
    /** It was not complete in time. */
    OVERDUE
  }

  /**
   * A step that a supervisor is to treat.
   *
   * @param kind that of its task
   * @param channel the one on which it was last
   * @param remedies those that it was started with
   * @param tried how far its remedies are used up, as {@link Treatment.Again} has said
   * @param forGood whether its agent has said that it will fail again
   * @param undoing whether its undoing is in trouble
   * @param taskUndoing whether its task is being undone
   * @param note what its agent has said; empty if nothing
   * @param version with which it may be treated
   */
  record Trouble(
      StepKey key,
      String kind,
      String channel,
      List<Remedy> remedies,
      int tried,
      Cause cause,
      boolean forGood,
      boolean undoing,
      boolean taskUndoing,
      String note,
      long version) {

    public Trouble {
      Objects.requireNonNull(key, "key");
      Objects.requireNonNull(kind, "kind");
      Objects.requireNonNull(channel, "channel");
      Objects.requireNonNull(cause, "cause");
      Objects.requireNonNull(note, "note");
      remedies = List.copyOf(remedies);
    }
  }

  /** What becomes of a step in trouble. */
  sealed interface Treatment {

    /**
     * It is ready again.
     *
     * @param channel the one on which it is done now
     * @param delay how long it is not sent there, zero or more
     * @param tried what is remembered of that, zero or more
     */
    record Again(String channel, Duration delay, int tried) implements Treatment {

      /**
       * Checks it.
       *
       * @throws IllegalArgumentException if an argument is out of range
       */
      public Again {
        StoredText.require("channel", channel, MAX_CHANNEL);
        if (delay.isNegative()) {
          throw new IllegalArgumentException("delay: " + delay + " (expected: >= PT0S)");
        }
        if (tried < 0) {
          throw new IllegalArgumentException("tried: " + tried + " (expected: >= 0)");
        }
      }
    }

    /** Its task is undone. Not for a step whose undoing is in trouble. */
    record Undo() implements Treatment {}

    /** It waits until somebody has looked at it. */
    record Escalate() implements Treatment {}

    /**
     * It counts as done, or as undone if it is being undone: somebody has seen to that.
     *
     * @param output what it gave, at most {@value #MAX_BODY} bytes; null for nothing
     */
    record Settle(@Nullable Content output) implements Treatment {

      /**
       * Checks it.
       *
       * @throws IllegalArgumentException if the output is too large
       */
      public Settle {
        requireBody("output", output);
      }
    }
  }

  /**
   * A task, in a line.
   *
   * @param escalated how many of its steps wait until somebody has looked at them
   * @param age how long ago it was started
   */
  record Summary(String id, String kind, Task.State state, int escalated, Duration age) {

    public Summary {
      Objects.requireNonNull(id, "id");
      Objects.requireNonNull(kind, "kind");
      Objects.requireNonNull(state, "state");
      Objects.requireNonNull(age, "age");
    }
  }

  /**
   * Which tasks are meant, in the order of their ids. Immutable: each method returns a new query.
   *
   * @param kind of that kind, or null for all
   * @param state in that state, or null for all
   * @param isEscalated whether only those of which a step is escalated
   * @param after those behind the one of that id; null for the beginning
   * @param limit how many at most, 1..{@value #MAX_LIMIT}
   */
  record Query(
      @Nullable String kind,
      Task.@Nullable State state,
      boolean isEscalated,
      @Nullable String after,
      int limit) {

    /**
     * Checks it.
     *
     * @throws IllegalArgumentException if {@code limit} is out of range
     */
    public Query {
      requireLimit(limit);
    }

    /** All tasks, a hundred at a time. */
    public static Query all() {
      return new Query(null, null, false, null, 100);
    }

    /** Only those of this kind. */
    public Query kind(String kind) {
      Objects.requireNonNull(kind, "kind");
      return new Query(kind, state, isEscalated, after, limit);
    }

    /** Only those in this state. */
    public Query state(Task.State state) {
      Objects.requireNonNull(state, "state");
      return new Query(kind, state, isEscalated, after, limit);
    }

    /** Only those of which a step is escalated. */
    public Query escalated() {
      return new Query(kind, state, true, after, limit);
    }

    /** Only those behind the one of this id: the next page. */
    public Query after(String after) {
      Objects.requireNonNull(after, "after");
      return new Query(kind, state, isEscalated, after, limit);
    }

    /** So many at most. */
    public Query limit(int limit) {
      return new Query(kind, state, isEscalated, after, limit);
    }
  }

  /**
   * How the tasks are doing.
   *
   * @param running tasks that go forward
   * @param undoing tasks that are being undone
   * @param escalated steps that wait until somebody has looked at them
   * @param troubled steps that wait for a supervisor
   * @param overdue how long the first of them has waited; zero if none has
   */
  record Stats(long running, long undoing, long escalated, long troubled, Duration overdue) {

    public Stats {
      Objects.requireNonNull(overdue, "overdue");
    }
  }

  // == schedulers ==

  /**
   * Starts a task: it is there, and its first steps are ready.
   *
   * @return false if there is one of that id; nothing was changed
   */
  Mono<Boolean> start(NewTask task);

  /**
   * Takes steps that are to be sent to their channels, those that have waited longest first. Each
   * is taken again after a time if nobody has claimed it by then, because it may not have been
   * sent, or may have been lost.
   *
   * @param channels those to which the caller can send
   * @param limit how many at most, 1..{@value #MAX_LIMIT}
   * @param again after how long a step is taken again, more than zero
   * @throws IllegalArgumentException if an argument is out of range
   */
  Flux<Dispatch> dispatch(Collection<String> channels, int limit, Duration again);

  /**
   * Emits, as long as it is subscribed to, the steps of a channel that become ready by what this
   * object is told, each taken as {@link #dispatch} takes it, with the change that makes it ready.
   * All others are left to {@link #dispatch}: what others make ready, what is ready in its time,
   * and whatever there is no demand for when the change begins. If the answer to a change is lost,
   * so is what it was to emit; that is taken again after {@code again}.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>steps that are to be sent now
   *   <dt>Backpressure
   *   <dd>demand is asked for when a change begins; what it makes ready beyond that, at most
   *       {@value #MAX_STEPS} steps for each task that is changed at the moment, is held
   *   <dt>Completes/Errors
   *   <dd>never
   *   <dt>Cancel
   *   <dd>takes no more; what was taken and not emitted is given back, to be dispatched at once
   *   <dt>Discard
   *   <dd>what was taken and not emitted
   *   <dt>Threads
   *   <dd>where the change is answered
   * </dl>
   *
   * @param channel the one whose steps are taken
   * @param again after how long a step is taken again, more than zero
   * @throws IllegalArgumentException if {@code again} is out of range
   */
  Flux<Dispatch> readied(String channel, Duration again);

  /**
   * Emits, as long as it is subscribed to, when there may be something to {@link #dispatch}. A
   * hint: some come for nothing, and some do not come. Never ends, and never fails; while there is
   * no demand the latest one is kept.
   */
  Flux<Long> hints();

  // == agents ==

  /**
   * Takes a step that is ready.
   *
   * @param version that of its {@link Dispatch}
   * @param agent who asks, 1 to {@value #MAX_AGENT} characters, for people to see
   * @param lease how long it is the caller's, more than zero; it never outlasts the time within
   *     which the step must be complete
   * @return empty if it is not to be had: somebody has or had it, or it was sent elsewhere since
   * @throws IllegalArgumentException if an argument is out of range
   */
  Mono<Run> claim(StepKey key, long version, String agent, Duration lease);

  /**
   * Extends the lease, from now on, also one that has ended if nobody has taken over.
   *
   * @param note how far the work is; null to leave it as it is
   * @param lease how long from now, more than zero; it never outlasts the time within which the
   *     step must be complete
   * @throws IllegalArgumentException if {@code lease} is out of range
   */
  Mono<Renewal> renew(Run run, @Nullable String note, Duration lease);

  /**
   * Says that a step is done, or undone. The lease may have ended if nobody has taken over. May be
   * repeated.
   *
   * @param output what it gave, at most {@value #MAX_BODY} bytes; null for nothing. What an undoing
   *     gives is not kept
   * @return false if it was not the caller's any more, and nothing was changed
   * @throws IllegalArgumentException if the output is too large
   */
  Mono<Boolean> done(Run run, @Nullable Content output);

  /**
   * Says that a step was not done, or not undone. May be repeated.
   *
   * @param why for people to see, and for who treats it
   * @param forGood whether it would fail again
   * @return false if it was not the caller's any more, and nothing was changed
   */
  Mono<Boolean> failed(Run run, String why, boolean forGood);

  /**
   * Gives a step back that the caller has stopped to work on; it is ready again, for as long as it
   * was.
   *
   * @return whether it was still the caller's
   */
  Mono<Boolean> release(Run run);

  // == supervisors ==

  /**
   * Takes steps that are in trouble, those that have waited longest first. Nobody else gets one of
   * them before the time is over. A step whose lease has not ended is not in trouble.
   *
   * @param limit how many at most, 1..{@value #MAX_LIMIT}
   * @param lease how long they are the caller's, more than zero
   * @throws IllegalArgumentException if an argument is out of range
   */
  Flux<Trouble> trouble(int limit, Duration lease);

  /**
   * Treats a step that is in trouble, or that is escalated.
   *
   * @param version as it was found
   * @param why for people to see
   * @return false if it is not any more as it was found, somebody has it under a lease, or the
   *     treatment is not for it; nothing was changed
   */
  Mono<Boolean> treat(StepKey key, long version, Treatment treatment, String why);

  // == people ==

  /**
   * Undoes a task. May be repeated.
   *
   * @param why for people to see
   * @return false if it is not known, or over
   */
  Mono<Boolean> undo(String id, String why);

  /**
   * Gives a task up where it is. Who works on it is told that it has lost its step.
   *
   * @param why for people to see
   * @return false if it is not known, or over
   */
  Mono<Boolean> abandon(String id, String why);

  /** Looks a task up; empty if it is not known. */
  Mono<Task> find(String id);

  /** Tasks, in the order of their ids. */
  Flux<Summary> query(Query query);

  /** How the tasks are doing, as a health check asks. */
  Mono<Stats> stats();

  /**
   * Forgets tasks that are over. One of the same id would be a new one.
   *
   * @param minAge for at least so long, zero or more
   * @param limit how many at most, 1..{@value #MAX_LIMIT}
   * @return how many; ask again if that is as many as it could be
   * @throws IllegalArgumentException if an argument is out of range
   */
  Mono<Integer> purge(Duration minAge, int limit);

  // == for those who implement it ==

  /**
   * Checks a limit.
   *
   * @throws IllegalArgumentException if it is not within 1..{@value #MAX_LIMIT}
   */
  static void requireLimit(int limit) {
    if (limit < 1 || limit > MAX_LIMIT) {
      throw new IllegalArgumentException("limit: " + limit + " (expected: 1.." + MAX_LIMIT + ")");
    }
  }

  /**
   * Checks an input or an output.
   *
   * @throws IllegalArgumentException if it is more than {@value #MAX_BODY} bytes
   */
  static void requireBody(String what, @Nullable Content body) {
    if (body != null && body.bytes().length > MAX_BODY) {
      throw new IllegalArgumentException(
          what + ": " + body.bytes().length + " bytes (expected: <= " + MAX_BODY + ")");
    }
  }

  /** A note, cut off at {@value #MAX_NOTE} characters, that every store can keep. */
  static String note(String text) {
    String cut = text.length() > MAX_NOTE ? text.substring(0, MAX_NOTE) : text;
    StringBuilder kept = new StringBuilder(cut.length());
    cut.codePoints()
        .map(
            c -> c == 0 || (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) ? '?' : c)
        .forEach(kept::appendCodePoint);
    return kept.toString();
  }
}
