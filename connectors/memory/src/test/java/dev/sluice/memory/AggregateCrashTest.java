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
package dev.sluice.memory;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.contract.ChannelRig;
import dev.sluice.contract.CrashContract;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import java.time.Duration;
import java.util.function.Function;
import reactor.core.publisher.Mono;

/** What is collected and taken apart again is lost no more than what is not. */
class AggregateCrashTest extends CrashContract {

  @Override
  protected ChannelRig rig() {
    return new MemoryRig();
  }

  @Override
  protected int repeatedTogether() {
    return 2;
  }

  @Override
  protected FlowHandle start(
      Inbound source,
      Function<byte[], Mono<byte[]>> worker,
      Outbound<byte[]> target,
      Outbound<byte[]> deadLetters) {
    return Flow.from(source)
        .groupedConvoy(Message::group, worker)
        .aggregate(2, Duration.ofMillis(5))
        .splitIterable(list -> list)
        .deadLetter(deadLetters)
        .to(target)
        .start();
  }
}
