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

import dev.sluice.delivery.LeakedDelivery;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Outcome.Release.Why;
import dev.sluice.message.Message;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The rules of an audit: what audited sources, targets and settlements tell is judged here as it
 * happens. Thread-safe.
 */
final class Audit {

  private static final int MAX_STORIES = 10;

  private record Violation(String rule, Trail trail, String text) {}

  /** Something that a message has been seen to the end of: a confirmed send, or its decision. */
  private record Effect(String what, Trail trail) {}

  private final Clock clock;
  private final Instant start;
  private final Map<String, Trail> trails = new ConcurrentHashMap<>(); // children's ids, too
  private final AtomicLong numbers = new AtomicLong();
  private final Queue<AuditedSettlement> settlements = new ConcurrentLinkedQueue<>();
  private final Queue<Violation> violations = new ConcurrentLinkedQueue<>();
  private final Queue<Effect> effects = new ConcurrentLinkedQueue<>();

  Audit(Clock clock) {
    this.clock = clock;
    this.start = clock.instant();
  }

  // == stories ==

  /** The story of a message that is delivered. */
  Trail trail(Message<byte[]> message) {
    return trails.computeIfAbsent(
        message.id(), id -> new Trail(message, numbers.getAndIncrement()));
  }

  /** The story that a message belongs to, by its own id or by that of what caused it; or null. */
  @Nullable Trail find(Message<?> message) {
    Trail trail = trails.get(message.id());
    String cause = message.causationId();
    if (trail == null && cause != null) {
      trail = trails.get(cause);
      if (trail != null) {
        trails.put(message.id(), trail);
      }
    }
    return trail;
  }

  void note(Trail trail, String text) {
    String at = Duration.between(start, clock.instant()).toString().substring(2);
    trail.note(at.toLowerCase(Locale.ROOT) + "  " + text);
  }

  void violation(String rule, Trail trail, String text) {
    violations.add(new Violation(rule, trail, text));
    note(trail, "! " + rule + ": " + text);
  }

  List<Trail> stories() {
    return trails.values().stream()
        .distinct()
        .sorted(Comparator.comparingLong(Trail::number))
        .toList();
  }

  // == what is told ==

  void delivered(AuditedSettlement settlement, Origin origin) {
    settlements.add(settlement);
    settlement.trail().delivered(settlement);
    note(
        settlement.trail(),
        "delivered by "
            + origin.channel()
            + ' '
            + origin.position()
            + ", attempt "
            + origin.attempt());
  }

  Trail.Derived derive(Trail trail, String what) {
    note(trail, what + " begins");
    AuditedSettlement last = trail.last();
    Outcome decision = last == null || last.isLost() ? null : last.decision();
    if (decision != null) {
      violation("S3", trail, what + " begins after it was " + Trail.words(decision));
    }
    return trail.derive(what);
  }

  void decided(AuditedSettlement settlement, Outcome outcome) {
    Trail trail = settlement.trail();
    note(trail, Trail.words(outcome));
    if (outcome instanceof Outcome.Retry retry && retry.cause() instanceof LeakedDelivery) {
      violation("S2", trail, "dropped undecided; the leak detector found it");
    }
    if (settlement.isLost()) {
      return;
    }
    Trail.Derived open = trail.open();
    if (open != null && !isTruncation(outcome)) {
      violation("S3", trail, Trail.words(outcome) + " before its " + open.what + " was over");
    }
    Trail.Derived cut = trail.cutShort();
    if (cut != null && outcome instanceof Outcome.Ack) {
      violation("S3", trail, Trail.words(outcome) + " though its " + cut.what + " was cut short");
    }
  }

  /** Whether it only says that work was cut short, of which anything may be under way. */
  private static boolean isTruncation(Outcome outcome) {
    return outcome instanceof Outcome.Release release && release.why() != Why.BUSY;
  }

  /** The source had decided before the holder, or in its place. */
  void takenBack(AuditedSettlement settlement, Outcome outcome) {
    note(settlement.trail(), Trail.words(outcome) + ", but the source had decided before");
  }

  void redundant(AuditedSettlement settlement, Outcome outcome) {
    Outcome decision = settlement.decision();
    if (decision == null || settlement.isLost() || decision.getClass() == outcome.getClass()) {
      return;
    }
    violation(
        "S1",
        settlement.trail(),
        "to be " + Trail.words(outcome) + " after it was " + Trail.words(decision));
  }

  void lost(AuditedSettlement settlement) {
    note(settlement.trail(), "lost");
    if (settlement.trail().last() == settlement) {
      settlement.trail().forgetDerived();
    }
  }

  /** It has taken effect at the source, or was lost. */
  void over(AuditedSettlement settlement, Outcome effective) {
    Trail trail = settlement.trail();
    if (settlement.isLost()) {
      return;
    }
    note(trail, settlement.decision() == null ? "taken back: " + Trail.words(effective) : "done");
    if (effective instanceof Outcome.Reject
        && settlement.hasDeadLetters()
        && !trail.isLetterConfirmed()) {
      violation("S4", trail, "done before its dead letter was confirmed");
    }
    if (effective instanceof Outcome.Ack || effective instanceof Outcome.Reject) {
      effect("done with", trail);
    }
  }

  void effect(String what, Trail trail) {
    effects.add(new Effect(what, trail));
  }

  // == the judgement ==

  void verify() {
    List<Violation> all = new ArrayList<>(violations);
    for (AuditedSettlement settlement : settlements) {
      if (!settlement.isSettled()) {
        all.add(new Violation("S2", settlement.trail(), "left undecided"));
      }
    }
    report(all);
  }

  void verifyOrderPerGroup() {
    List<Violation> all = new ArrayList<>();
    Map<List<String>, Trail> latest = new HashMap<>();
    for (Effect effect : effects) {
      Trail trail = effect.trail();
      String group = trail.group();
      if (group == null) {
        continue;
      }
      Trail before = latest.get(List.of(effect.what(), group));
      if (before != null && before.number() > trail.number()) {
        all.add(
            new Violation(
                "order", trail, effect.what() + " after " + before.title() + ", which came later"));
      } else {
        latest.put(List.of(effect.what(), group), trail);
      }
    }
    report(all);
  }

  private static void report(List<Violation> all) {
    if (all.isEmpty()) {
      return;
    }
    StringBuilder text = new StringBuilder("the settlement contract was broken:");
    Set<Trail> stories = new LinkedHashSet<>();
    for (Violation violation : all) {
      if (stories.size() == MAX_STORIES) {
        text.append("\n  … ").append(all.size()).append(" in all");
        break;
      }
      text.append("\n  ").append(violation.rule()).append(": ");
      text.append(violation.trail().title()).append(": ").append(violation.text());
      stories.add(violation.trail());
    }
    stories.forEach(trail -> text.append("\n  ").append(trail));
    throw new AssertionError(text.toString());
  }
}
