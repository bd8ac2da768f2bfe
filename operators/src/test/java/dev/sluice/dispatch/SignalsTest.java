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

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

class SignalsTest {

  private static final int PUSHERS = 3;
  private static final int NODES = 8;
  private static final int PUSHES = 3_000;

  /** A node that is pushed again and again, each time after it was taken. */
  private static final class Node extends Signal {
    final int pusher;
    volatile boolean queued;
    int number; // written before the push, read after the take

    Node(int pusher) {
      this.pusher = pusher;
    }
  }

  @Test
  void givesTheOldestFirst() {
    Signals signals = new Signals();
    List<Node> pushed = List.of(new Node(0), new Node(1), new Node(2));
    pushed.forEach(signals::push);

    List<Signal> taken = new ArrayList<>();
    for (Signal s = signals.takeAll(); s != null; s = s.nextSignal) {
      taken.add(s);
    }

    assertThat(taken).isEqualTo(pushed);
    assertThat(signals.takeAll()).isNull();
  }

  /** As the engine does it: take all, and let each go before it is looked at. */
  @RepeatedTest(5)
  void losesAndRepeatsNothingWhenManyPush() throws InterruptedException {
    Signals signals = new Signals();
    AtomicInteger pushing = new AtomicInteger(PUSHERS);
    List<Thread> threads = new ArrayList<>();
    for (int p = 0; p < PUSHERS; p++) {
      Thread thread = new Thread(pusher(p, signals, pushing));
      threads.add(thread);
      thread.start();
    }

    int[] last = new int[PUSHERS];
    List<String> disorder = new ArrayList<>();
    boolean all = false;
    while (!all) {
      all = pushing.get() == 0; // before the take: then nothing comes after it
      Signal signal = signals.takeAll();
      while (signal != null) {
        Signal next = signal.nextSignal;
        Node node = (Node) signal;
        if (node.number != last[node.pusher] + 1) {
          disorder.add(node.number + " of " + node.pusher + " after " + last[node.pusher]);
        }
        last[node.pusher] = node.number;
        node.queued = false; // from here on its thread may push it again
        signal = next;
      }
    }
    for (Thread thread : threads) {
      thread.join();
    }

    assertThat(disorder).isEmpty();
    assertThat(last).containsOnly(PUSHES);
  }

  private static Runnable pusher(int pusher, Signals signals, AtomicInteger pushing) {
    return () -> {
      Node[] nodes = new Node[NODES];
      for (int i = 0; i < NODES; i++) {
        nodes[i] = new Node(pusher);
      }
      for (int n = 1; n <= PUSHES; n++) {
        Node node = nodes[n % NODES];
        while (node.queued) {
          Thread.yield();
        }
        node.number = n;
        node.queued = true;
        signals.push(node);
      }
      pushing.decrementAndGet();
    };
  }
}
