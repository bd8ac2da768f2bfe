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
package dev.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.Experimental;
import dev.sluice.channel.Capability;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.test.FaultInjector;
import dev.sluice.test.FaultInjector.Fault;
import dev.sluice.test.FaultInjector.Interaction;
import dev.sluice.test.FaultInjector.Kind;
import dev.sluice.test.LeakCheck;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * What a flow over a channel promises when something fails at the worst moment: it runs over six
 * messages of two groups, one of them poison, and each of its interactions with the channel, the
 * target and the dead letters is broken in every way of {@link Fault}. What was killed is started
 * again on what the channel has kept. Each time
 *
 * <ul>
 *   <li>every message arrives, the poison at the dead letters, the others at the target;
 *   <li>nothing is consumed before it has arrived, and what was durably consumed never comes again;
 *   <li>there are no more duplicates than deliveries that were not durable when the first life
 *       ended, and at most {@link #repeatedTogether()} when it went on;
 *   <li>no message arrives before its predecessor in the group. This is not asked of a channel
 *       without {@link Capability#EXCLUSIVE_GROUPS} when one delivery is lost and those after it
 *       are not, which such a channel never does: it loses what it had handed out together.
 * </ul>
 *
 * <p>Extend it as {@link ChannelContract}, and say in {@link #start} what the flow is.
 */
@Experimental
@ExtendWith(LeakCheck.class)
public abstract class CrashContract {

  private static final Logger log = LoggerFactory.getLogger(CrashContract.class);

  /** A new rig, for one disturbance. */
  protected abstract ChannelRig rig();

  /**
   * Starts the flow under trial. It works on the messages of a group in their order, sends what the
   * worker gives to the target, and what the worker fails with, at the first attempt, to the dead
   * letters.
   */
  protected abstract FlowHandle start(
      Inbound source,
      Function<byte[], Mono<byte[]>> worker,
      Outbound<byte[]> target,
      Outbound<byte[]> deadLetters);

  /**
   * Of so many disturbances one is run, always the same ones. By default 1: all of them. For
   * channels on which a restart takes long.
   */
  protected int oneIn() {
    return 1;
  }

  /**
   * How many messages the flow tries again when it goes on after one of them has failed. By default
   * 1; more for a flow that makes one message of several.
   */
  protected int repeatedTogether() {
    return 1;
  }

  @TestFactory
  Stream<DynamicTest> nothingIsLost() {
    List<Interaction> interactions = undisturbed();
    List<DynamicTest> trials = new ArrayList<>();
    for (Interaction interaction : interactions) {
      for (Fault fault : Fault.values()) {
        trials.add(
            DynamicTest.dynamicTest(
                interaction + ", " + fault, () -> disturbed(interaction, fault)));
      }
    }
    int step = oneIn();
    log.info(
        "{} interactions, {} disturbances, of which one in {}",
        interactions.size(),
        trials.size(),
        step);
    return Stream.iterate(0, i -> i < trials.size(), i -> i + step).map(trials::get);
  }

  private List<Interaction> undisturbed() {
    FaultInjector counting = FaultInjector.none();
    try (ChannelRig rig = rig()) {
      int duplicates = new CrashTrial(rig, this, counting, null, true).run();
      assertThat(duplicates).as("duplicates without any disturbance").isZero();
    }
    return counting.interactions();
  }

  private void disturbed(Interaction interaction, Fault fault) {
    FaultInjector injector = FaultInjector.at(interaction, fault);
    try (ChannelRig rig = rig()) {
      Interaction unanswered = fault == Fault.NO_ANSWER ? interaction : null;
      boolean ordered = isExclusive(rig) || !losesOneAlone(interaction, fault);
      int duplicates = new CrashTrial(rig, this, injector, unanswered, ordered).run();
      log.info("{}, {}: {} duplicates", interaction, fault, duplicates);
    }
    assertThat(injector.interactions()).as("what happened").contains(interaction);
  }

  private static boolean isExclusive(ChannelRig rig) {
    return rig.capabilities().contains(Capability.EXCLUSIVE_GROUPS);
  }

  /** One delivery of several that are out does not arrive, or its decision does not. */
  private static boolean losesOneAlone(Interaction interaction, Fault fault) {
    return (interaction.kind() == Kind.DELIVER && fault == Fault.NO_ANSWER)
        || (interaction.kind() == Kind.SETTLE && fault == Fault.FAIL_BEFORE);
  }
}
