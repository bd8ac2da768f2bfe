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

import java.net.Socket;
import reactor.blockhound.BlockHound;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** Makes the first socket of its JVM on a thread that must not block. */
final class FirstSocket {

  private FirstSocket() {}

  public static void main(String[] args) {
    BlockHound.install();
    Mono.fromCallable(
            () -> {
              try (Socket socket = new Socket()) {
                return socket.isClosed();
              }
            })
        .subscribeOn(Schedulers.parallel())
        .block();
    System.out.println("made");
  }
}
