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
package dev.sluice.s3;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** A wire to a server that breaks once, after so many bytes in one direction. */
final class Wire implements AutoCloseable {

  enum Break {
    /** The connection is reset. */
    RESET,
    /** Nothing comes any more, and nobody says so. */
    SILENCE
  }

  private final ServerSocket socket;
  private final URI target;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final AtomicLong upLeft = new AtomicLong(Long.MAX_VALUE);
  private final AtomicLong downLeft = new AtomicLong(Long.MAX_VALUE);
  private volatile Break how = Break.RESET;
  final AtomicInteger breaks = new AtomicInteger();

  Wire(URI target) {
    this.target = target;
    try {
      socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    start(this::accept);
  }

  URI endpoint() {
    return URI.create("http://127.0.0.1:" + socket.getLocalPort());
  }

  /** Breaks once, after this many bytes to the server. */
  Wire breakUpAfter(long bytes) {
    upLeft.set(bytes);
    return this;
  }

  /** Breaks once, after this many bytes from the server. */
  Wire breakDownAfter(long bytes, Break how) {
    this.how = how;
    downLeft.set(bytes);
    return this;
  }

  private static void start(Runnable work) {
    Thread thread = new Thread(work, "wire");
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    try {
      while (true) {
        Socket client = socket.accept();
        Socket server = new Socket(target.getHost(), target.getPort());
        open.add(client);
        open.add(server);
        start(() -> pump(client, server, upLeft));
        start(() -> pump(server, client, downLeft));
      }
    } catch (IOException e) {
      closeAll(); // closed
    }
  }

  private void pump(Socket from, Socket to, AtomicLong left) {
    byte[] buffer = new byte[16 * 1024];
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        int got = n;
        if (left.getAndUpdate(l -> l == Long.MAX_VALUE ? l : l - got) <= 0) {
          left.set(Long.MAX_VALUE); // once
          breaks.incrementAndGet();
          if (how == Break.SILENCE) {
            closed.await();
          }
          from.setSoLinger(true, 0);
          to.setSoLinger(true, 0);
          return;
        }
        out.write(buffer, 0, n);
      }
    } catch (IOException e) {
      return; // the other side has gone
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      open.remove(from);
      open.remove(to);
    }
  }

  private void closeAll() {
    closed.countDown();
    for (Socket each : open) {
      try {
        each.close();
      } catch (IOException e) {
        continue;
      }
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
    closeAll();
  }
}
