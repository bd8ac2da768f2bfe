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
package dev.sluice.dispatch;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.jspecify.annotations.Nullable;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.LL_Result;
import org.openjdk.jcstress.infra.results.L_Result;

/** The queue that links its entries through themselves: nothing lost, repeated or reordered. */
public final class SignalsStress {

  private SignalsStress() {}

  private static final class Node extends Signal {
    private final char name;
    private int payload; // written before the push, read after the take

    Node(char name) {
      this.name = name;
    }
  }

  private static String names(@Nullable Signal oldest) {
    StringBuilder names = new StringBuilder();
    for (Signal s = oldest; s != null; s = s.nextSignal) {
      Node node = (Node) s;
      names.append(node.payload == 1 ? node.name : '?');
    }
    return names.toString();
  }

  private static Node filled(Node node) {
    node.payload = 1;
    return node;
  }

  @JCStressTest
  @State
  @Outcome(
      id = {"abc", "acb", "cab"},
      expect = ACCEPTABLE,
      desc = "a before b, c anywhere")
  @Outcome(expect = FORBIDDEN, desc = "a signal was lost, repeated or overtaken")
  public static class TwoPushers {
    private final Signals signals = new Signals();
    private final Node a = new Node('a');
    private final Node b = new Node('b');
    private final Node c = new Node('c');

    @Actor
    public void ab() {
      signals.push(filled(a));
      signals.push(filled(b));
    }

    @Actor
    public void c() {
      signals.push(filled(c));
    }

    @Arbiter
    public void arbiter(L_Result r) {
      r.r1 = names(signals.takeAll());
    }
  }

  @JCStressTest
  @State
  @Outcome(id = ", ab", expect = ACCEPTABLE, desc = "taken before anything was pushed")
  @Outcome(id = "a, b", expect = ACCEPTABLE, desc = "taken in between")
  @Outcome(id = "ab, ", expect = ACCEPTABLE, desc = "taken when both were there")
  @Outcome(expect = FORBIDDEN, desc = "a signal was lost, repeated, overtaken or seen half made")
  public static class PusherAndTaker {
    private final Signals signals = new Signals();
    private final Node a = new Node('a');
    private final Node b = new Node('b');

    @Actor
    public void push() {
      signals.push(filled(a));
      signals.push(filled(b));
    }

    @Actor
    public void take(LL_Result r) {
      r.r1 = names(signals.takeAll());
    }

    @Arbiter
    public void arbiter(LL_Result r) {
      r.r2 = names(signals.takeAll());
    }
  }
}
