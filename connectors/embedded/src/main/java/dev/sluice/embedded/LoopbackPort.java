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

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.UnknownHostException;
import java.util.concurrent.ThreadLocalRandom;

/** Ports of 127.0.0.1. */
final class LoopbackPort {

  private static final int FIRST = 20_000;
  private static final int LAST = 32_767;
  private static final int ATTEMPTS = 1_000;

  private LoopbackPort() {}

  /**
   * Below the ports that systems give to connections (Linux from 32768 on, others from 49152):
   * while a server is stopped anybody's connection may get such a one, even one to that very port,
   * and the server could not come back to it.
   */
  static int free() {
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      int port = ThreadLocalRandom.current().nextInt(FIRST, LAST + 1);
      if (isFree(port)) {
        return port;
      }
    }
    throw new IllegalStateException(
        "ports: none of " + ATTEMPTS + " is free (expected: one of " + FIRST + ".." + LAST + ")");
  }

  private static boolean isFree(int port) {
    try {
      requireFree(port);
      return true;
    } catch (IllegalStateException e) {
      return false;
    }
  }

  /**
   * Connections of a killed predecessor linger in TIME_WAIT; reuseAddress looks past them.
   *
   * @throws IllegalStateException if somebody listens on it
   */
  static void requireFree(int port) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(loopback(), port));
    } catch (IOException e) {
      throw new IllegalStateException(
          "port: " + port + " is in use on 127.0.0.1 (expected: a free one)", e);
    }
  }

  /** A port that may be chosen: 0 for a free one. */
  static int requireValid(int port) {
    if (port < 0 || port > 65_535) {
      throw new IllegalArgumentException("port: " + port + " (expected: 0..65535)");
    }
    return port;
  }

  private static InetAddress loopback() throws UnknownHostException {
    return InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
  }
}
