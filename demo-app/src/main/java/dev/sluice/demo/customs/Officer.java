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
package dev.sluice.demo.customs;

import dev.sluice.claim.ClaimCheck;
import dev.sluice.claim.Claimed;
import dev.sluice.demo.bag.Bag;
import dev.sluice.demo.xray.Xrays;
import dev.sluice.message.Message;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import reactor.core.publisher.Mono;

/**
 * Looks at a bag: at its X-ray image if the question carries a claim of one, which is read as it
 * comes and never held as a whole. The same bag always gets the same verdict.
 */
final class Officer {

  private static final char OPENED = '7';

  private final Xrays xrays;
  private final BooleanSupplier slow;
  private final CustomsProperties properties;

  Officer(Xrays xrays, BooleanSupplier slow, CustomsProperties properties) {
    this.xrays = xrays;
    this.slow = slow;
    this.properties = properties;
  }

  Mono<Verdict> look(Message<byte[]> question) {
    String tag = question.group();
    if (tag == null || !Bag.isTag(tag)) {
      return Mono.error(
          new IllegalArgumentException("group: " + tag + " (expected: the tag of a bag)"));
    }
    Duration takes = slow.getAsBoolean() ? properties.slowLook() : properties.look();
    return Mono.delay(takes)
        .then(Mono.defer(() -> image(question)))
        .map(size -> verdict(tag, size));
  }

  /** The size of the image when all of it was there and is what was stored; zero without one. */
  private Mono<Long> image(Message<byte[]> question) {
    if (!question.headers().contains(ClaimCheck.HEADER)) {
      return Mono.just(0L);
    }
    Claimed image = xrays.redeem(question);
    return image.content().then(Mono.fromSupplier(image::size));
  }

  private static Verdict verdict(String tag, long imageBytes) {
    boolean opened = tag.charAt(tag.length() - 1) == OPENED;
    String findings =
        imageBytes == 0
            ? (opened ? "opened, without an image" : "no objection, without an image")
            : (opened ? "opened: a bottle in the image" : "no objection to the image");
    return new Verdict(tag, !opened, findings, imageBytes);
  }
}
