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
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.codec.PayloadCodec;
import java.time.Clock;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * What a {@link FlowVerifier} gives to the flow under test: where it receives, where it sends,
 * where its dead letters go, and the time. All of it is audited.
 */
@Experimental
public final class FlowEnvironment {

  private final TestChannel source = TestChannel.create("source");
  private final TestChannel deadLetters = TestChannel.create("dead letters");
  private final Map<String, TestChannel> channels = new ConcurrentSkipListMap<>();
  private final Clock clock;
  private final SettlementAuditor auditor;
  private final Inbound audited;

  FlowEnvironment(Clock clock) {
    this.clock = clock;
    this.auditor = SettlementAuditor.create(clock);
    this.audited = auditor.source(source);
  }

  /** Where the flow receives what the verifier sends; for {@code Flow.from}. */
  public Inbound source() {
    return audited;
  }

  /** Where dead letters go; for {@code Flow.deadLetter}. */
  public Outbound<byte[]> deadLetters() {
    return deadLetters;
  }

  /** A channel to send to; the same one for the same name. */
  public Outbound<byte[]> outbound(String name) {
    return auditor.target(channel(name));
  }

  /** A channel to send payloads to; the same one for the same name. */
  public <T> Outbound<T> outbound(String name, PayloadCodec<T> codec) {
    return Outbound.encoding(codec, outbound(name));
  }

  /** The clock of the verifier's time; for {@code Flow.clock}. */
  public Clock clock() {
    return clock;
  }

  // == for scripts ==

  /** The channel behind {@link #source()}, to script it and to look at it. */
  public TestChannel sourceChannel() {
    return source;
  }

  /** The channel behind {@link #deadLetters()}, to script it and to look at it. */
  public TestChannel deadLetterChannel() {
    return deadLetters;
  }

  /** The channel behind {@link #outbound(String)}, to script it and to look at it. */
  public TestChannel channel(String name) {
    return channels.computeIfAbsent(Objects.requireNonNull(name, "name"), TestChannel::create);
  }

  SettlementAuditor auditor() {
    return auditor;
  }

  Map<String, TestChannel> channels() {
    return channels;
  }
}
