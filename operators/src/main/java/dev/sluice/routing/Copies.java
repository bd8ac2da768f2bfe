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
package dev.sluice.routing;

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.SendFailed;
import dev.sluice.message.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import reactor.core.Exceptions;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** One message on its way to one channel or several. */
final class Copies {

  private Copies() {}

  /**
   * What became of one copy.
   *
   * @param receipt null if it failed
   */
  private record Copy(String target, @Nullable Receipt receipt, @Nullable Throwable failure) {

    boolean isConfirmed() {
      return receipt != null;
    }
  }

  /**
   * Sends to all of them at once; every send is seen to its end before the first failure counts.
   */
  static <T> Mono<Receipt> send(String router, List<Outbound<T>> targets, Message<T> message) {
    if (targets.size() == 1) {
      return one(targets.get(0), message);
    }
    return Flux.fromIterable(targets)
        .flatMapSequential(
            target ->
                one(target, message)
                    .map(receipt -> new Copy(target.name(), receipt, null))
                    .onErrorResume(e -> Mono.just(new Copy(target.name(), null, e))),
            targets.size(),
            1)
        .collectList()
        .<Receipt>handle(
            (copies, sink) -> {
              if (copies.stream().allMatch(Copy::isConfirmed)) {
                sink.next(new Receipt(router, message.id(), positions(copies)));
              } else {
                sink.error(failed(router, copies));
              }
            })
        .onErrorStop();
  }

  private static <T> Mono<Receipt> one(Outbound<T> target, Message<T> message) {
    return Mono.defer(() -> target.send(message))
        .switchIfEmpty(
            Mono.error(
                () -> SendFailed.unknown(target.name(), "completed without a receipt", null)));
  }

  private static String positions(List<Copy> copies) {
    return copies.stream()
        .map(Copy::receipt)
        .map(receipt -> receipt == null ? "" : receipt.channel() + '@' + receipt.position())
        .collect(Collectors.joining(" "));
  }

  private static RecipientsFailed failed(String router, List<Copy> copies) {
    List<String> confirmed = new ArrayList<>();
    List<String> failed = new ArrayList<>();
    List<Throwable> failures = new ArrayList<>();
    for (Copy copy : copies) {
      if (copy.failure() == null) {
        confirmed.add(copy.target());
      } else {
        failed.add(copy.target());
        failures.add(Exceptions.unwrap(copy.failure()));
      }
    }
    return new RecipientsFailed(router, confirmed, failed, failures);
  }
}
