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
package dev.sluice.demo.load;

import dev.sluice.demo.live.Frame;
import org.springframework.http.HttpStatus;
import org.springframework.util.MultiValueMap;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/**
 * Starts, stops and shows the load: {@code POST
 * /api/load?rate=500&bags=10000&unreadableShare=0.002}.
 */
@RestController
@RequestMapping("/api/load")
class LoadController {

  private final LoadGenerator load;

  LoadController(LoadGenerator load) {
    this.load = load;
  }

  @PostMapping
  @ResponseStatus(HttpStatus.ACCEPTED)
  Frame.Load start(@RequestParam MultiValueMap<String, String> query) {
    return load.start(LoadRequest.read(query));
  }

  @DeleteMapping
  Frame.Load stop() {
    return load.stopLoad();
  }

  @GetMapping
  Frame.Load view() {
    return load.view();
  }
}
