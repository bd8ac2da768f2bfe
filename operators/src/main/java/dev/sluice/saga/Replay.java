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
package dev.sluice.saga;

import dev.sluice.store.SagaEvent;
import dev.sluice.store.SagaEvent.Kind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.jspecify.annotations.Nullable;

/**
 * Takes a body that is run again through what its journal remembers: steps get what they had given,
 * in the order of the journal, each when everything before it has come again. So the body sees what
 * it has seen, and a body that is not what it was is found out before it does anything.
 */
final class Replay {

  /** What the replay finds out. */
  interface End {

    /** A step has given this. */
    void gave(Step<?, ?> step, SagaEvent done);

    /** A step has failed like this. */
    void failed(Step<?, ?> step, SagaEvent failure);

    /** The saga had turned back. */
    void turned(SagaEvent why);

    /** A step waits that the journal does not have. */
    void held();

    /** The body is not what it was. */
    void drifted(String how);

    /**
     * The journal is used up; called once, last.
     *
     * @param open steps that had begun and of which nothing more is known
     * @param held steps that the journal does not have
     */
    void over(List<Step<?, ?>> open, List<Step<?, ?>> held);
  }

  /*
   * Threads: steps come on any thread; reached, held and bodyEnded are guarded by this. The drain is
   * on whichever thread moved wip from 0, owns next and open, and calls End, which runs the body.
   * I1 an outcome is told when all intents before it have been reached, in the order of the journal.
   * I2 a step that is not in the journal begins when the replay is over, and not before.
   */

  /** One event, and the step that has come to be the one it is about. */
  private static final class Item {
    final SagaEvent event;
    @Nullable Step<?, ?> step;

    Item(SagaEvent event) {
      this.event = event;
    }
  }

  private final End end;
  private final List<Item> items;
  private final Set<String> undone;
  private final List<Step<?, ?>> held = new ArrayList<>();
  private final Map<String, Step<?, ?>> open = new LinkedHashMap<>();
  private int next;
  private boolean bodyEnded;
  private @Nullable String drift;
  private volatile boolean over;

  @SuppressWarnings("UnusedVariable") // through the updater only
  private volatile int wip;

  private static final AtomicIntegerFieldUpdater<Replay> WIP =
      AtomicIntegerFieldUpdater.newUpdater(Replay.class, "wip");

  Replay(List<SagaEvent> journal, End end) {
    this.end = end;
    this.items = new ArrayList<>();
    this.undone = new HashSet<>();
    for (SagaEvent event : resumed(journal)) {
      switch (event.kind()) {
        case INTENT, DONE, FAILED, TURNED -> items.add(new Item(event));
        case UNDONE, SKIPPED -> undone.add(label(event));
        default -> {}
      }
    }
  }

  /**
   * The journal without the failures for which the saga was parked behind its pivot and from which
   * somebody has let it go on.
   */
  private static List<SagaEvent> resumed(List<SagaEvent> journal) {
    List<SagaEvent> kept = new ArrayList<>(journal.size());
    boolean turned = false;
    SagaEvent parked = null;
    for (SagaEvent event : journal) {
      kept.add(event);
      turned |= event.kind() == Kind.TURNED;
      if (event.kind() == Kind.PARKED) {
        parked = event;
      } else if (event.kind() == Kind.RESUMED && parked != null) {
        if (!turned && SagaEngine.stuck(parked).isEmpty()) {
          forget(kept, label(parked));
        }
        parked = null;
      }
    }
    return kept;
  }

  private static void forget(List<SagaEvent> journal, String label) {
    for (int i = journal.size() - 1; i >= 0; i--) {
      SagaEvent event = journal.get(i);
      if (event.kind() == Kind.FAILED && label(event).equals(label)) {
        journal.remove(i);
        return;
      }
    }
  }

  private static String label(SagaEvent event) {
    return event.key().isEmpty() ? event.step() : event.step() + "/" + event.key();
  }

  /** How many events of the journal have an order. */
  int size() {
    return items.size();
  }

  /** Whether the step was undone, or somebody has decided that it need not be. */
  boolean isUndone(Step<?, ?> step) {
    return undone.contains(step.label());
  }

  /**
   * The body asks for a step.
   *
   * @return false if the replay is over
   */
  boolean reach(Step<?, ?> step, byte[] print) {
    boolean waits = false;
    synchronized (this) {
      if (over) {
        return false;
      }
      Item item = find(step);
      if (item == null) {
        held.add(step);
        waits = true;
      } else {
        byte @Nullable [] recorded = item.event.data();
        if (recorded != null && recorded.length > 0 && !Arrays.equals(recorded, print)) {
          drift =
              step.describe()
                  + " comes with another input than the journal has (expected: the same)";
        }
        step.order = items.indexOf(item);
        item.step = step;
      }
    }
    if (waits) {
      end.held();
    }
    drain();
    return true;
  }

  private @Nullable Item find(Step<?, ?> step) {
    String label = step.label();
    for (Item item : items) {
      if (item.step == null
          && item.event.kind() == Kind.INTENT
          && label(item.event).equals(label)) {
        return item;
      }
    }
    return null;
  }

  /** The body asks for nothing any more. */
  void bodyEnded() {
    synchronized (this) {
      bodyEnded = true;
    }
    drain();
  }

  /** Whatever waits has waited long enough. */
  void giveUp() {
    synchronized (this) {
      if (over || drift != null) {
        return;
      }
      Step<?, ?> waiting = held.get(0);
      drift =
          waiting.describe()
              + " comes before "
              + firstMissing()
              + ", which the journal has (expected: the steps of the version it was begun with)";
    }
    drain();
  }

  private String firstMissing() {
    for (Item item : items) {
      if (item.event.kind() == Kind.INTENT && item.step == null) {
        return "step " + label(item.event);
      }
    }
    return "what is left";
  }

  void drain() {
    if (WIP.getAndIncrement(this) != 0) {
      return;
    }
    int missed = 1;
    do {
      advance();
      missed = WIP.addAndGet(this, -missed);
    } while (missed != 0);
  }

  private void advance() {
    while (!over) {
      Item item;
      String wrong;
      synchronized (this) {
        item = next < items.size() ? items.get(next) : null;
        if (drift == null && item != null && item.event.kind() == Kind.INTENT) {
          if (item.step == null && !bodyEnded) {
            return;
          }
          if (item.step == null) {
            drift =
                "step "
                    + label(item.event)
                    + " is in the journal, and the body ends without it (expected: the steps of the"
                    + " version it was begun with)";
          }
        }
        wrong = drift;
      }
      if (wrong != null) {
        end.drifted(wrong);
        finish();
      } else if (item == null) {
        finish();
      } else {
        next++;
        apply(item);
      }
    }
  }

  private void apply(Item item) {
    SagaEvent event = item.event;
    switch (event.kind()) {
      case INTENT -> open.put(label(event), Objects.requireNonNull(item.step));
      case TURNED -> end.turned(event);
      default -> {
        Step<?, ?> step = open.remove(label(event));
        if (step == null) {
          return; // of an intent that was forgotten
        }
        if (event.kind() == Kind.DONE) {
          end.gave(step, event);
        } else {
          end.failed(step, event);
        }
      }
    }
  }

  private void finish() {
    List<Step<?, ?>> left = new ArrayList<>(open.values());
    List<Step<?, ?>> waiting;
    synchronized (this) {
      over = true;
      waiting = new ArrayList<>(held);
      for (Item item : items.subList(next, items.size())) {
        if (item.step != null && item.event.kind() == Kind.INTENT) {
          left.add(item.step); // behind a drift
        }
      }
    }
    end.over(left, waiting);
  }
}
