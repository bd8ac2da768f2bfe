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
package dev.sluice.gather;

import dev.sluice.channel.Recipient;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;

/** The same recipients for every request: known when the scatter is assembled. */
final class FixedRecipients<T, R> implements Recipients<T, R> {

  /** Shared by all gathers, which only read it. */
  final Recipient<? super T, ? extends R>[] recipients;

  @SuppressWarnings("unchecked")
  FixedRecipients(Collection<? extends Recipient<? super T, ? extends R>> recipients) {
    Set<String> names = new HashSet<>();
    for (Recipient<? super T, ? extends R> recipient : recipients) {
      if (!names.add(recipient.name())) {
        throw new IllegalArgumentException(
            "recipients: two called " + recipient.name() + " (expected: different names)");
      }
    }
    this.recipients =
        (Recipient<? super T, ? extends R>[]) recipients.toArray(new Recipient<?, ?>[0]);
  }

  @Override
  public Publisher<? extends Recipient<? super T, ? extends R>> select(T request) {
    return Flux.fromArray(recipients);
  }
}
