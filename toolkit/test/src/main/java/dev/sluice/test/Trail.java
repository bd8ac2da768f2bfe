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
package dev.sluice.test;

import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The story of one message, through all its deliveries, and what has been derived from the last of
 * them. Thread-safe.
 */
final class Trail {

  /** Something that was made of the message: a send, or a delivery of a later step. */
  static final class Derived {

    enum State {
      OPEN,
      DONE,
      FAILED,
      CUT_SHORT
    }

    final String what;
    private final long begun;
    private volatile long ended;
    private volatile State state = State.OPEN;

    private Derived(String what, long begun) {
      this.what = what;
      this.begun = begun;
    }
  }

  private static final int MAX_LABEL_CHARS = 40;

  private final String id;
  private final String label;
  private final @Nullable String group;
  private final long number;
  private final Queue<String> lines = new ConcurrentLinkedQueue<>();
  private volatile Queue<Derived> derived = new ConcurrentLinkedQueue<>();
  private final AtomicLong beginningsAndEnds = new AtomicLong();
  private volatile @Nullable AuditedSettlement last;
  private volatile boolean letterConfirmed;

  /**
   * A story that begins.
   *
   * @param number how many messages were delivered before this one, each for the first time
   */
  Trail(Message<byte[]> message, long number) {
    this.id = message.id();
    this.label = label(message.payload());
    this.group = message.group();
    this.number = number;
  }

  private static String label(byte[] payload) {
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(payload)).toString();
    } catch (CharacterCodingException e) {
      return payload.length + " bytes";
    }
    String line = text.replaceAll("\\p{Cntrl}", " ");
    return line.length() <= MAX_LABEL_CHARS
        ? '"' + line + '"'
        : '"' + line.substring(0, MAX_LABEL_CHARS) + "…\"";
  }

  @Nullable String group() {
    return group;
  }

  long number() {
    return number;
  }

  void note(String line) {
    lines.add(line);
  }

  /** The delivery that was handed out last. */
  @Nullable AuditedSettlement last() {
    return last;
  }

  /** The message is handed out; what was derived from earlier deliveries is history. */
  void delivered(AuditedSettlement settlement) {
    last = settlement;
    letterConfirmed = false;
    forgetDerived();
  }

  void forgetDerived() {
    derived = new ConcurrentLinkedQueue<>();
  }

  Derived derive(String what) {
    Derived one = new Derived(what, beginningsAndEnds.incrementAndGet());
    derived.add(one);
    return one;
  }

  void end(Derived one, Derived.State how) {
    one.ended = beginningsAndEnds.incrementAndGet();
    one.state = how;
  }

  /** What is still under way, or null. */
  @Nullable Derived open() {
    return find(one -> one.state == Derived.State.OPEN);
  }

  /** What was cut short, if nothing that began afterwards was done in its place; or null. */
  @Nullable Derived cutShort() {
    return find(
        one ->
            one.state == Derived.State.CUT_SHORT
                && find(d -> d.state == Derived.State.DONE && d.begun > one.ended) == null);
  }

  private @Nullable Derived find(Predicate<Derived> which) {
    return derived.stream().filter(which).findFirst().orElse(null);
  }

  void letterConfirmed() {
    letterConfirmed = true;
  }

  boolean isLetterConfirmed() {
    return letterConfirmed;
  }

  // == texts ==

  String title() {
    return label + (group == null ? "" : " of group " + group);
  }

  /** An outcome in a few words. */
  static String words(Outcome outcome) {
    if (outcome instanceof Outcome.Ack ack) {
      return "acknowledged (" + ack.reason() + ')';
    }
    if (outcome instanceof Outcome.Release release) {
      return "released (" + release.why() + after(release.delay()) + ')';
    }
    if (outcome instanceof Outcome.Retry retry) {
      return "retried (" + retry.cause() + after(retry.delay()) + ')';
    }
    Outcome.Reject reject = (Outcome.Reject) outcome;
    Throwable cause = reject.cause();
    return "rejected (" + reject.reason() + (cause == null ? "" : ", " + cause) + ')';
  }

  private static String after(Duration delay) {
    return delay.isZero() ? "" : ", after " + delay;
  }

  @Override
  public String toString() {
    StringBuilder story = new StringBuilder(title()).append(", id ").append(id).append(':');
    lines.forEach(line -> story.append("\n    ").append(line));
    return story.toString();
  }
}
