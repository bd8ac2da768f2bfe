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
package dev.sluice.kafka;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.contract.ChannelRig;
import dev.sluice.contract.CrashContract;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import java.util.function.Function;
import reactor.core.publisher.Mono;

/** Every third disturbance; {@link KafkaCrashMatrixTest} has them all. */
class KafkaCrashContractTest extends CrashContract {

  @Override
  protected ChannelRig rig() {
    return new KafkaRig();
  }

  @Override
  protected FlowHandle start(
      Inbound source,
      Function<byte[], Mono<byte[]>> worker,
      Outbound<byte[]> target,
      Outbound<byte[]> deadLetters) {
    return Flow.from(source)
        .groupedConvoy(Message::group, worker)
        .deadLetter(deadLetters)
        .to(target)
        .start();
  }

  @Override
  protected int oneIn() {
    return 3; // no multiple of the five faults, so that each of them has its turn
  }
}
