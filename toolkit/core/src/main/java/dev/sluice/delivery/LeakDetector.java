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

import java.lang.ref.Cleaner;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds deliveries that were dropped without a decision. When the last reference to a watched
 * settlement goes while it is still open, the detector logs where the delivery was assembled and
 * settles it as a counted {@link Outcome.Retry}, so that the message is neither lost nor delivered
 * for ever.
 *
 * <p>The system property {@code sluice.leak} chooses how many settlements are watched: {@code off},
 * {@code sampled} (one in {@value #SAMPLING}, the default) or {@code paranoid} (all; for tests).
 */
public final class LeakDetector {

  /** How many settlements are watched. */
  public enum Level {
    /** None. */
    OFF,
    /** One in {@value LeakDetector#SAMPLING}. */
    SAMPLED,
    /** Every one. */
    PARANOID
  }

  static final int SAMPLING = 128;

  private static final Logger log = LoggerFactory.getLogger(LeakDetector.class);
  private static final Level LEVEL = parse(System.getProperty("sluice.leak", "sampled"));
  private static final Cleaner CLEANER = Cleaner.create();
  private static final AtomicLong LEAKS = new AtomicLong();

  /** Those whose watch is not over: their handles are reachable, or are just being judged. */
  private static final Set<Watch> WATCHED = ConcurrentHashMap.newKeySet();

  private static final StackWalker STACK = StackWalker.getInstance();

  private LeakDetector() {}

  /** The level in force. */
  public static Level level() {
    return LEVEL;
  }

  /** How many leaks this process has seen. Must stay 0. */
  public static long leaks() {
    return LEAKS.get();
  }

  /**
   * Whether everything that is watched has been decided by whoever had it. Then no garbage
   * collection could find anything.
   */
  public static boolean isAllDecided() {
    return WATCHED.stream().allMatch(Watch::isDecided);
  }

  /**
   * Whether what garbage collections have found up to now has been judged, and counted if it was a
   * leak. The detector's thread does that after the collection, one by one and in no order.
   */
  public static boolean isAllJudged() {
    return WATCHED.stream().noneMatch(Watch::isCollected);
  }

  /**
   * The handle that goes into deliveries, while the source keeps the core: the core itself if it is
   * not watched.
   *
   * @param assembly where the deliveries come from, as {@link #assembly()} gives it
   */
  public static Settlement track(SettlementCore core, String assembly) {
    return track(LEVEL, core, assembly);
  }

  static Settlement track(Level level, SettlementCore core, String assembly) {
    return switch (level) {
      case OFF -> core;
      case PARANOID -> watched(core, assembly);
      case SAMPLED ->
          ThreadLocalRandom.current().nextInt(SAMPLING) == 0 ? watched(core, assembly) : core;
    };
  }

  private static Settlement watched(SettlementCore core, String assembly) {
    Watch watch = new Watch(core, assembly);
    TrackedSettlement handle = new TrackedSettlement(core, CLEANER, watch);
    watch.begin(handle);
    return handle;
  }

  /** The first frame of the caller's stack that is neither Sluice nor Reactor, as one line. */
  public static String assembly() {
    return STACK.walk(
        frames ->
            frames
                .filter(frame -> !isLibrary(frame.getClassName()))
                .findFirst()
                .map(frame -> "at " + frame.toStackTraceElement())
                .orElse("at an unknown place"));
  }

  private static boolean isLibrary(String className) {
    return className.startsWith("reactor.")
        || className.startsWith("java.")
        || (className.startsWith("dev.sluice.")
            && !className.startsWith("dev.sluice.demo.")
            && !className.endsWith("Test")
            && !className.contains("Test$"));
  }

  static Level parse(String value) {
    for (Level level : Level.values()) {
      if (level.name().equals(value.toUpperCase(Locale.ROOT))) {
        return level;
      }
    }
    log.warn("sluice.leak: {} (expected: off, sampled or paranoid); using sampled", value);
    return Level.SAMPLED;
  }

  /** Runs when the handle is unreachable, or at once when it has been settled. */
  static final class Watch implements Runnable {

    private final SettlementCore core;
    private final String assembly;

    /** Cleared by the collection itself, before anybody is told of it. */
    private @Nullable WeakReference<Settlement> handle;

    Watch(SettlementCore core, String assembly) {
      this.core = core;
      this.assembly = assembly;
    }

    /** Over before this can run, because the caller has the handle, and returns it. */
    void begin(Settlement handle) {
      this.handle = new WeakReference<>(handle);
      WATCHED.add(this);
    }

    boolean isCollected() {
      return handle != null && handle.refersTo(null);
    }

    /** A leak is settled before it is counted, so it is not decided until it is not watched. */
    boolean isDecided() {
      return core.outcome() != null
          && !(core.outcome() instanceof Outcome.Retry retry
              && retry.cause() instanceof LeakedDelivery);
    }

    @Override
    public void run() {
      try {
        if (!core.isSettled()) {
          retry();
        }
      } finally {
        WATCHED.remove(this);
      }
    }

    private void retry() {
      LeakedDelivery leak = new LeakedDelivery(assembly);
      if (core.settle(Outcome.retry(Duration.ZERO, leak))) {
        LEAKS.incrementAndGet();
        log.error(
            "LEAK: {} was dropped undecided and is retried; it was assembled {}", core, assembly);
      }
    }
  }
}
