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
package dev.sluice.bench.s3;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Claim checks in S3 beside the bare client, on one server in a process of its own, in one run:
 * payloads of 1 MiB and of 100 MiB, stored and read as streams. In each round all of them have
 * their turn and then once more in the opposite order, so that what slows the machine down for a
 * while slows all of them down; a ratio is that of one round. Processor time says more than the
 * clock where others use the machine too.
 *
 * <pre>{@code
 * mvn -pl benchmarks -am -Ps3-bench verify -DskipTests
 * mvn -pl benchmarks -am -Ps3-bench verify -DskipTests -Ds3-bench.args="warmup=4 rounds=10 small=100 large=2"
 * }</pre>
 */
final class S3Throughput {

  private static final int MIB = 1024 * 1024;
  private static final int CHUNK = 64 * 1024;
  private static final int LARGE = 100 * MIB;
  private static final Duration PATIENCE = Duration.ofMinutes(10);

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final OperatingSystemMXBean PROCESS =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private final ServerMain server;
  private final List<Peer> peers;
  private final byte[] content = new byte[LARGE];
  private final Map<String, List<Figures>> results = new LinkedHashMap<>();

  /**
   * Of one round, all payloads together.
   *
   * @param time on the clock, in nanoseconds, like the next two
   * @param client processor time of this process
   * @param server processor time of the server
   */
  private record Figures(long bytes, long time, long client, long server, long allocated) {

    Figures and(Figures more) {
      return new Figures(
          bytes + more.bytes,
          time + more.time,
          client + more.client,
          server + more.server,
          allocated + more.allocated);
    }

    double mibPerSecond() {
      return bytes * 1e9 / time / MIB;
    }

    double clientPerByte() {
      return (double) client / bytes;
    }

    double serverPerByte() {
      return (double) server / bytes;
    }

    double allocatedPerByte() {
      return (double) allocated / bytes;
    }
  }

  private S3Throughput(ServerMain server) {
    this.server = server;
    this.peers =
        List.of(
            Peer.bare(server.address(), true),
            Peer.multipart(server.address()),
            Peer.claims(server.address()),
            Peer.bare(server.address(), false));
    new Random(42).nextBytes(content);
  }

  public static void main(String[] arguments) {
    int rounds = option(arguments, "rounds", 10);
    int warmup = option(arguments, "warmup", 4);
    int small = option(arguments, "small", 100);
    int large = option(arguments, "large", 2);
    S3Throughput bench = new S3Throughput(ServerMain.start());
    for (int round = -warmup; round < rounds; round++) {
      bench.round(round, MIB, small, 8);
      bench.round(round, LARGE, large, 2);
    }
    bench.report();
    System.exit(0);
  }

  private static int option(String[] arguments, String name, int otherwise) {
    return Arrays.stream(arguments)
        .filter(argument -> argument.startsWith(name + "="))
        .map(argument -> Integer.valueOf(argument.substring(name.length() + 1)))
        .findFirst()
        .orElse(otherwise);
  }

  /** There and back. Rounds below 0 warm up: the compiler needs thousands of requests. */
  private void round(int round, int size, int many, int inFlight) {
    List<Peer> order = new ArrayList<>(peers);
    for (int i = peers.size() - 1; i >= 0; i--) {
      order.add(peers.get(i));
    }
    Map<String, Figures> figures = new LinkedHashMap<>();
    for (Peer peer : order) {
      List<Object> stored = new ArrayList<>();
      figures.merge(
          name("put", size, peer), measure(put(peer, size, many, inFlight, stored)), Figures::and);
      figures.merge(
          name("get", size, peer), measure(get(peer, size, stored, inFlight)), Figures::and);
      Flux.fromIterable(stored).flatMap(peer::delete, 8).blockLast(PATIENCE);
    }
    if (round >= 0) {
      figures.forEach(
          (name, all) -> results.computeIfAbsent(name, n -> new ArrayList<>()).add(all));
    }
  }

  private static String name(String what, int size, Peer peer) {
    return what + ' ' + size / MIB + " MiB, " + peer;
  }

  /** How many bytes were stored. */
  private Mono<Long> put(Peer peer, int size, int many, int inFlight, List<Object> stored) {
    return Flux.range(0, many)
        .flatMap(i -> peer.put(chunks(size), size), inFlight)
        .doOnNext(stored::add)
        .count()
        .map(count -> count * size);
  }

  /** How many bytes were read. */
  private static Mono<Long> get(Peer peer, int size, List<Object> stored, int inFlight) {
    return Flux.fromIterable(stored)
        .flatMap(
            each -> peer.get(each).reduce(0L, (sum, buffer) -> sum + buffer.remaining()), inFlight)
        .reduce(0L, Long::sum)
        .doOnNext(
            read -> {
              if (read != (long) size * stored.size()) {
                throw new IllegalStateException(peer + " has read " + read + " bytes");
              }
            });
  }

  private Flux<ByteBuffer> chunks(int size) {
    return Flux.range(0, size / CHUNK)
        .map(i -> ByteBuffer.wrap(content, i * CHUNK, CHUNK).asReadOnlyBuffer());
  }

  private Figures measure(Mono<Long> work) {
    System.gc(); // so that nobody pays for what others have left
    long allocated = allocated();
    long client = PROCESS.getProcessCpuTime();
    long serving = server.processorTime();
    long start = System.nanoTime();
    long bytes = work.blockOptional(PATIENCE).orElseThrow();
    return new Figures(
        bytes,
        System.nanoTime() - start,
        PROCESS.getProcessCpuTime() - client,
        server.processorTime() - serving,
        allocated() - allocated);
  }

  /** By all threads that live; those of the client do all the while. */
  private static long allocated() {
    return Arrays.stream(THREADS.getThreadAllocatedBytes(THREADS.getAllThreadIds())).sum();
  }

  private void report() {
    System.out.printf(
        "%-28s %6s %20s %20s %8s %8s %8s%n",
        "", "MiB/s", "rate to bare", "client to bare", "client", "server", "B per B");
    for (String what : List.of("put", "get")) {
      for (int size : List.of(MIB, LARGE)) {
        for (Peer peer : peers) {
          List<Figures> ours = of(what, size, peer);
          List<Figures> bare = of(what, size, peers.get(0));
          System.out.printf(
              Locale.ROOT,
              "%-28s %6.0f %20s %20s %8.2f %8.2f %8.2f%n",
              name(what, size, peer),
              median(ours, Figures::mibPerSecond),
              ratios(ours, bare, Figures::mibPerSecond),
              ratios(ours, bare, Figures::clientPerByte),
              median(ours, Figures::clientPerByte),
              median(ours, Figures::serverPerByte),
              median(ours, Figures::allocatedPerByte));
        }
      }
    }
  }

  private List<Figures> of(String what, int size, Peer peer) {
    return Objects.requireNonNull(results.get(name(what, size, peer)));
  }

  private static double median(List<Figures> all, ToDoubleFunction<Figures> of) {
    return quantile(all.stream().mapToDouble(of).sorted().toArray(), 0.5);
  }

  /** Round by round: the median, and where eight of ten are. */
  private static String ratios(
      List<Figures> ours, List<Figures> theirs, ToDoubleFunction<Figures> of) {
    double[] ratios =
        IntStream.range(0, ours.size())
            .mapToDouble(i -> of.applyAsDouble(ours.get(i)) / of.applyAsDouble(theirs.get(i)))
            .sorted()
            .toArray();
    return String.format(
        Locale.ROOT,
        "%.2f (%.2f to %.2f)",
        quantile(ratios, 0.5),
        quantile(ratios, 0.1),
        quantile(ratios, 0.9));
  }

  /** Between the two values that are nearest. */
  private static double quantile(double[] sorted, double share) {
    double at = share * (sorted.length - 1);
    int below = (int) at;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
  }
}
