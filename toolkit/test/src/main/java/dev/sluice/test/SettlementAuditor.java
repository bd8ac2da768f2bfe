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

import dev.sluice.Experimental;
import dev.sluice.channel.Capability;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import java.time.Clock;
import java.util.Objects;

/**
 * Records what becomes of every delivery of a source, and finds where the settlement contract is
 * broken. Put it around the source and the targets of a flow, run the flow to its end, and {@link
 * #verify}:
 *
 * <pre>{@code
 * SettlementAuditor auditor = SettlementAuditor.create();
 * FlowHandle handle =
 *     Flow.from(auditor.source(orders)).deadLetter(deadLetters).to(auditor.target(shipments)).start();
 * …
 * handle.stop(Duration.ofSeconds(10)).block();
 * auditor.verify();
 * }</pre>
 *
 * <p>What it proves, by the numbers of the contract:
 *
 * <dl>
 *   <dt>S1, one decision
 *   <dd>nobody wants something else for a delivery that has been decided
 *   <dt>S2, no silent loss
 *   <dd>when everything has ended every delivery has been decided: by the flow, or by the source,
 *       which takes back what is left
 *   <dt>S3, no premature decision
 *   <dd>when a delivery is decided, nothing that was derived from it is under way, and nothing is
 *       derived from it afterwards; when it is acknowledged, nothing was cut short without
 *       something else being done in its place. It sees sends to audited targets, recognised by the
 *       message's id or causation id, and what is given to {@link #derived}
 *   <dt>S4, effects first
 *   <dd>a rejected delivery is done only when the dead-letter target has confirmed its letter
 *   <dt>S11, bounded
 *   <dd>no more than {@code maxUnsettled} deliveries are out at once
 *   <dt>Groups
 *   <dd>where the source has {@link Capability#EXCLUSIVE_GROUPS}, no two deliveries of a group are
 *       out at once, and none comes again after a later one of its group
 * </dl>
 *
 * <p>A failed audit tells the story of each message concerned. Thread-safe. One auditor may be
 * around several sources and targets; it remembers everything that it has seen.
 */
@Experimental
public final class SettlementAuditor {

  private final Audit audit;

  private SettlementAuditor(Clock clock) {
    this.audit = new Audit(clock);
  }

  /** An auditor that notes times by the system's clock. */
  public static SettlementAuditor create() {
    return create(Clock.systemUTC());
  }

  /** An auditor that notes times by {@code clock}. */
  public static SettlementAuditor create(Clock clock) {
    return new SettlementAuditor(Objects.requireNonNull(clock, "clock"));
  }

  /**
   * The same source, audited, and with it the dead-letter target that its consumers name.
   *
   * <p>What the source itself decides is seen only when it has taken effect. Until then the audited
   * delivery accepts another decision, which has no effect.
   */
  public Inbound source(Inbound source) {
    return new AuditedInbound(Objects.requireNonNull(source, "source"), audit);
  }

  /** The same target, audited: what is sent to it is derived from the delivery of its message. */
  public <T> Outbound<T> target(Outbound<T> target) {
    return new AuditedOutbound<>(Objects.requireNonNull(target, "target"), audit);
  }

  /**
   * Says that a delivery of a later step is derived from an audited one, whose message has its id
   * or its causation id; as in {@code deliveries.doOnNext(auditor::derived)}.
   */
  public void derived(Delivery<?> delivery) {
    Trail trail = audit.find(delivery.message());
    if (trail == null) {
      return;
    }
    Trail.Derived derived = audit.derive(trail, "delivery of " + delivery.message().id());
    delivery
        .settlement()
        .onDone(
            outcome -> {
              trail.end(
                  derived,
                  outcome instanceof Outcome.Release
                      ? Trail.Derived.State.CUT_SHORT
                      : Trail.Derived.State.DONE);
              audit.note(trail, derived.what + ' ' + Trail.words(outcome));
            });
  }

  /**
   * Fails if what it has seen breaks the contract, or if a delivery is undecided. To be called when
   * the audited flows have ended.
   *
   * @throws AssertionError with the rules broken, and the story of each message concerned
   */
  public void verify() {
    audit.verify();
  }

  /**
   * Fails if a group was not worked on in order: if a message was acknowledged or rejected, or what
   * was sent of it was confirmed by an audited target, after the same had happened to a message of
   * its group that was first delivered later. For flows that keep the order of groups to their end.
   *
   * @throws AssertionError with the story of each message concerned
   */
  public void verifyOrderPerGroup() {
    audit.verifyOrderPerGroup();
  }

  /** The stories of all messages, in the order in which they were first delivered. */
  public String story() {
    StringBuilder story = new StringBuilder();
    audit.stories().forEach(trail -> story.append(trail).append('\n'));
    return story.toString();
  }
}
