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
package dev.sluice.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class LoopbackPortTest {

  @Test
  void isOneThatCanBeListenedOn() throws Exception {
    InetAddress loopback = InetAddress.getByName("127.0.0.1");
    try (ServerSocket socket = new ServerSocket(LoopbackPort.free(), 1, loopback)) {
      assertThat(socket.isBound()).isTrue();
    }
  }

  /** Linux gives ports from 32768 on to connections, which could take one of a stopped server. */
  @Test
  void isNoneThatConnectionsGet() {
    Set<Integer> ports = new HashSet<>();
    for (int i = 0; i < 200; i++) {
      ports.add(LoopbackPort.free());
    }
    assertThat(ports).hasSizeGreaterThan(100).allMatch(port -> port >= 20_000 && port < 32_768);
  }
}
