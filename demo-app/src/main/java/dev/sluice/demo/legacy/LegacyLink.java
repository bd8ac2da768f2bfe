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
package dev.sluice.demo.legacy;

import dev.sluice.bridge.Bridge;
import dev.sluice.bridge.BridgeHealth;
import dev.sluice.demo.chaos.Breakable;
import dev.sluice.demo.live.LiveSection;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** The two bridges between the legacy system and the airport, with their switches and lights. */
final class LegacyLink implements LiveSection, Breakable {

  private final Bridge.Pair bridges;
  private final List<Wire> wires;
  private final LegacyHost host;

  LegacyLink(Bridge.Pair bridges, List<Wire> wires, LegacyHost host) {
    this.bridges = bridges;
    this.wires = List.copyOf(wires);
    this.host = host;
  }

  /**
   * Both bridges at one moment.
   *
   * @param cut whether the wires are cut
   * @param paused whether the bridges are paused
   * @param announced bags that the legacy system has announced since the start
   * @param heard lines that it has heard of the airport since
   * @param bridges there and back
   * @param lines what it has heard last, the newest first
   */
  record View(
      boolean cut,
      boolean paused,
      long announced,
      long heard,
      List<Light> bridges,
      List<String> lines) {}

  /**
   * One bridge.
   *
   * @param lag messages that have not crossed; null if that is not known
   * @param oldestMillis how long the oldest that was taken has been out
   * @param lastError what was the trouble last; null if there was none
   */
  record Light(
      String name,
      BridgeHealth.State state,
      long crossed,
      long echoes,
      long rejected,
      long outages,
      @Nullable Long lag,
      double rate,
      long oldestMillis,
      long failures,
      @Nullable String lastError) {}

  @Override
  public String event() {
    return "bridge";
  }

  @Override
  public View view() {
    return new View(
        wires.stream().anyMatch(Wire::isCut),
        bridges.there().health().state() == BridgeHealth.State.PAUSED,
        host.announced(),
        host.heard(),
        List.of(light(bridges.there()), light(bridges.back())),
        host.lines());
  }

  @Override
  public List<String> broken() {
    View now = view();
    return now.cut()
        ? List.of("the wires of the bridges are cut")
        : now.paused() ? List.of("the bridges are paused") : List.of();
  }

  private static Light light(Bridge bridge) {
    BridgeHealth health = bridge.health();
    OptionalLong lag = health.lag();
    Throwable error = health.lastError();
    return new Light(
        bridge.name(),
        health.state(),
        health.crossed(),
        health.echoes(),
        health.rejected(),
        health.outages(),
        lag.isPresent() ? lag.getAsLong() : null,
        health.rate(),
        health.oldest().toMillis(),
        health.consecutiveFailures(),
        error == null ? null : error.toString());
  }

  void pause() {
    bridges.there().pause();
    bridges.back().pause();
  }

  /** Mends the wires too. */
  void resume() {
    wires.forEach(wire -> wire.cut(false));
    bridges.there().resume();
    bridges.back().resume();
  }

  void outage() {
    wires.forEach(wire -> wire.cut(true));
  }
}
