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
package dev.sluice.demo.xray;

import dev.sluice.demo.bag.Bag;
import dev.sluice.demo.ledger.Ledger;
import dev.sluice.demo.problem.Problem;
import java.net.URI;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Takes X-ray images of bags and gives them back; both stream. An image is answered with 201 when
 * it is in S3; a second one of the same bag with 200, and the first one stays.
 */
@RestController
@RequestMapping("/api/bags/{tag}/xray")
class XrayController {

  private final Xrays xrays;
  private final Ledger ledger;

  XrayController(Xrays xrays, Ledger ledger) {
    this.xrays = xrays;
    this.ledger = ledger;
  }

  @PostMapping(consumes = MediaType.IMAGE_PNG_VALUE)
  Mono<ResponseEntity<Void>> upload(
      @PathVariable String tag,
      @RequestHeader(name = HttpHeaders.CONTENT_LENGTH, defaultValue = "-1") long length,
      @RequestBody Flux<DataBuffer> body) {
    requireKnown(tag);
    if (length > PngStream.MAX) {
      throw PngStream.tooLarge();
    }
    return xrays
        .store(tag, PngStream.of(body))
        .map(
            fresh ->
                (fresh
                        ? ResponseEntity.created(URI.create("/api/bags/" + tag + "/xray"))
                        : ResponseEntity.status(HttpStatus.OK))
                    .build());
  }

  @GetMapping
  Mono<ResponseEntity<Flux<DataBuffer>>> image(@PathVariable String tag) {
    requireKnown(tag);
    return xrays
        .image(tag)
        .map(
            image ->
                ResponseEntity.ok()
                    .contentType(MediaType.IMAGE_PNG)
                    .contentLength(image.size())
                    .cacheControl(CacheControl.noStore())
                    .body(image.content().map(DefaultDataBufferFactory.sharedInstance::wrap)));
  }

  private void requireKnown(String tag) {
    if (!Bag.isTag(tag) || ledger.find(tag) == null) {
      throw Problem.notFound("no bag with this tag is checked in");
    }
  }
}
