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
package dev.sluice.convoy;

import dev.sluice.Experimental;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import reactor.core.Disposable;

/**
 * The groups that are halted in this process, because one of their messages has failed for good
 * ({@link GroupVerdict#HALT_GROUP}), and the way to let them go on: then the message that failed is
 * tried once more, and as often as a Retry says after that.
 *
 * <p>One of these may serve several convoys; a group is then halted in each of them on its own, and
 * let go on in all. Thread-safe.
 */
@Experimental
public final class HaltedGroups implements Metered {

  /*
   * A run is in the map while it is halted; who takes it out lets it go on, so that happens once.
   * It is put in before it is looked at whether that is still worth while: the one who ends it ends
   * it first and takes it out then.
   */

  private record Halt(Object group, Disposable loss) {}

  private final Map<Run, Halt> halted = new ConcurrentHashMap<>();

  private HaltedGroups() {}

  /** None yet. */
  public static HaltedGroups create() {
    return new HaltedGroups();
  }

  /**
   * The groups, as the function of the convoy gives them; arrays of bytes as {@code ByteBuffer}.
   */
  public Set<Object> groups() {
    return halted.values().stream().map(Halt::group).collect(Collectors.toUnmodifiableSet());
  }

  /**
   * Lets a group go on.
   *
   * @return whether it was halted
   */
  public boolean resume(Object group) {
    boolean any = false;
    for (Map.Entry<Run, Halt> entry : halted.entrySet()) {
      if (entry.getValue().group().equals(group)) {
        any |= letGo(entry.getKey());
      }
    }
    return any;
  }

  /** Lets all groups go on that are halted now. */
  public void resumeAll() {
    halted.keySet().forEach(this::letGo);
  }

  void hold(Object group, Run run) {
    Disposable loss = run.lost().subscribe(lost -> {}, error -> {}, () -> letGo(run));
    halted.put(run, new Halt(group, loss));
    if (run.isOver()) {
      letGo(run);
    }
  }

  boolean letGo(Run run) {
    Halt halt = halted.remove(run);
    if (halt == null) {
      return false;
    }
    halt.loss().dispose();
    run.goOn();
    return true;
  }

  @Override
  public void meters(Meters meters) {
    meters.gauge(
        "sluice.convoy.halted", "groups", "Groups that wait to be let go on", halted::size);
  }
}
