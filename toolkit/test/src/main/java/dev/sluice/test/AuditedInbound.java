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

import dev.sluice.channel.BrowseQuery;
import dev.sluice.channel.Capability;
import dev.sluice.channel.ChannelInfo;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.channel.Waiting;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Origin;
import dev.sluice.message.Message;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** A source whose deliveries are audited. */
final class AuditedInbound implements Inbound {

  private final Inbound source;
  private final Audit audit;
  private final Groups groups = new Groups();

  AuditedInbound(Inbound source, Audit audit) {
    this.source = source;
    this.audit = audit;
  }

  @Override
  public Flux<Delivery<byte[]>> receive(ReceiveOptions options) {
    String assembly = LeakDetector.assembly();
    Outbound<byte[]> target = options.deadLetters();
    ReceiveOptions audited =
        target == null ? options : options.deadLetters(new AuditedDeadLetters(target, audit));
    return Flux.defer(
        () -> {
          Consumer consumer = new Consumer(options.maxUnsettled(), target != null, assembly);
          return source.receive(audited).map(consumer::deliver);
        });
  }

  @Override
  public Mono<Long> depth() {
    return source.depth();
  }

  @Override
  public Flux<Waiting> browse(BrowseQuery query) {
    return source.browse(query);
  }

  @Override
  public ChannelInfo info() {
    return source.info();
  }

  /** One subscription. Deliveries are handed out one at a time. */
  private final class Consumer {
    private final int maxUnsettled;
    private final boolean hasDeadLetters;
    private final String assembly;
    private final Set<AuditedSettlement> out = new HashSet<>();

    private Consumer(int maxUnsettled, boolean hasDeadLetters, String assembly) {
      this.maxUnsettled = maxUnsettled;
      this.hasDeadLetters = hasDeadLetters;
      this.assembly = assembly;
    }

    private Delivery<byte[]> deliver(Delivery<byte[]> delivery) {
      Message<byte[]> message = delivery.message();
      Origin origin = delivery.origin();
      Trail trail = audit.trail(message);
      AuditedSettlement settlement =
          new AuditedSettlement(audit, trail, delivery.settlement(), hasDeadLetters);
      audit.delivered(settlement, origin);
      out.removeIf(AuditedSettlement::isBack);
      out.add(settlement);
      if (out.size() > maxUnsettled) {
        audit.violation(
            "S11", trail, out.size() + " are out at once (expected: <= " + maxUnsettled + ")");
      }
      if (source.info().can(Capability.EXCLUSIVE_GROUPS)) {
        groups.deliver(settlement);
      }
      settlement.follow();
      return new Delivery<>(message, LeakDetector.track(settlement, assembly), origin);
    }
  }

  /** What is out of each group, over all consumers. */
  private final class Groups {
    private final Map<String, Set<AuditedSettlement>> out = new HashMap<>();
    private final Map<String, Trail> latest = new HashMap<>();

    synchronized void deliver(AuditedSettlement settlement) {
      Trail trail = settlement.trail();
      String group = trail.group();
      if (group == null) {
        return;
      }
      Set<AuditedSettlement> others = out.computeIfAbsent(group, g -> new HashSet<>());
      others.removeIf(AuditedSettlement::isBack);
      for (AuditedSettlement other : others) {
        audit.violation("exclusive", trail, "delivered while " + other.trail().title() + " is out");
      }
      others.add(settlement);
      Trail last = latest.get(group);
      if (last != null && last.number() > trail.number()) {
        audit.violation("order", trail, "delivered again after " + last.title());
      } else {
        latest.put(group, trail);
      }
    }
  }
}
