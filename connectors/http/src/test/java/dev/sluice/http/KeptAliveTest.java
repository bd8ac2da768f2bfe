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
package dev.sluice.http;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

/**
 * That Reactor Netty answers every request on a connection that is kept alive. 1.3.6, which is in
 * Reactor's BOM, does not, which is why the parent pom pins another version.
 */
class KeptAliveTest {

  private static final String WHY =
      "requests that Reactor Netty has answered on connections that are kept alive; if some are"
          + " missing, this version stops reading as 1.3.6 does (reactor-netty #4361): see"
          + " reactor-netty.version in the parent pom";
  private static final byte[] END = "\r\n\r\nok".getBytes(US_ASCII);

  private final AtomicInteger answered = new AtomicInteger();
  private final DisposableServer server =
      HttpServer.create()
          .host("127.0.0.1")
          .port(0)
          .handle(
              (request, response) -> {
                Mono<String> body = Mono.just("ok");
                return response
                    .header("Content-Length", "2")
                    .sendString(
                        request.uri().equals("/later")
                            ? body.delayElement(Duration.ofMillis(1), Schedulers.parallel())
                            : body);
              })
          .bindNow();

  @AfterEach
  void close() {
    server.disposeNow(Await.PATIENCE);
  }

  /** A connection that is kept alive. */
  private final class Kept implements AutoCloseable {

    private final Socket socket;

    Kept() throws IOException {
      socket = new Socket("127.0.0.1", server.port());
      socket.setTcpNoDelay(true);
      socket.setSoTimeout((int) Await.PATIENCE.toMillis());
    }

    void ask(String path) throws IOException {
      String request = "PUT " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(US_ASCII));
    }

    /** Reads one answer; false if none comes. */
    boolean isAnswered() throws IOException {
      InputStream in = socket.getInputStream();
      try {
        for (int matched = 0; matched < END.length; ) {
          int read = in.read();
          if (read < 0) {
            return false;
          }
          matched = read == END[matched] ? matched + 1 : read == END[0] ? 1 : 0;
        }
      } catch (SocketTimeoutException e) {
        return false;
      }
      answered.incrementAndGet();
      return true;
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  /** A client that is quick asks again before the server is quite through with the answer. */
  @Test
  void goesOnWhenTheNextComesAtOnce() throws Exception {
    int clients = 4;
    int requests = 1_500;
    ExecutorService threads = Executors.newFixedThreadPool(clients);
    List<Future<?>> ends =
        IntStream.range(0, clients)
            .<Future<?>>mapToObj(
                client ->
                    threads.submit(
                        () -> {
                          try (Kept kept = new Kept()) {
                            boolean answering = true;
                            for (int i = 0; i < requests && answering; i++) {
                              kept.ask(i % 3 == 0 ? "/later" : "/now");
                              answering = kept.isAnswered();
                            }
                          }
                          return null;
                        }))
            .toList();
    threads.shutdown();
    for (Future<?> end : ends) {
      end.get();
    }
    assertThat(answered).as(WHY).hasValue(clients * requests);
  }
}
