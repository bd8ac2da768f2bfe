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
import java.net.URI;
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
import java.util.function.Supplier;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Claim checks in S3 beside the bare client, on one server in a process of its own, in one run:
 * payloads of 1 MiB and of 100 MiB, stored and read as streams, by one after the other in each
 * round. Whoever reads verifies every byte; the claim check computes and verifies its digest
 * besides.
 *
 * <pre>{@code
 * mvn -pl benchmarks -am -Ps3-bench verify -DskipTests
 * mvn -pl benchmarks -am -Ps3-bench verify -DskipTests -Ds3-bench.args="rounds=5 small=200 large=4"
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

  private final byte[] content = new byte[LARGE];
  private final Map<String, List<Figures>> results = new LinkedHashMap<>();

  /** Of one round, all payloads together. */
  private record Figures(double mibPerSecond, double allocatedPerByte, double nanosPerByte) {}

  private S3Throughput() {
    new Random(42).nextBytes(content);
  }

  public static void main(String[] arguments) {
    int rounds = option(arguments, "rounds", 3);
    int small = option(arguments, "small", 200);
    int large = option(arguments, "large", 4);
    URI server = ServerMain.start();
    List<Peer> peers = List.of(Peer.bare(server), Peer.multipart(server), Peer.claims(server));
    S3Throughput bench = new S3Throughput();
    for (int round = 0; round <= rounds; round++) {
      for (Peer peer : peers) {
        bench.run(round, peer, MIB, small, 8);
        bench.run(round, peer, LARGE, large, 2);
      }
    }
    bench.report(peers);
    System.exit(0);
  }

  private static int option(String[] arguments, String name, int otherwise) {
    return Arrays.stream(arguments)
        .filter(argument -> argument.startsWith(name + "="))
        .map(argument -> Integer.valueOf(argument.substring(name.length() + 1)))
        .findFirst()
        .orElse(otherwise);
  }

  /** The first round warms up. */
  private void run(int round, Peer peer, int size, int many, int inFlight) {
    List<Object> stored = new ArrayList<>();
    Figures put =
        measure(
            (long) size * many,
            Flux.range(0, many)
                .flatMap(i -> peer.put(chunks(size), size), inFlight)
                .doOnNext(stored::add)
                .then());
    long expected = checksum(chunks(size)).blockOptional().orElseThrow();
    Figures get =
        measure(
            (long) size * many,
            Flux.fromIterable(stored)
                .flatMap(each -> checksum(peer.get(each)), inFlight)
                .doOnNext(
                    sum -> {
                      if (sum != expected) {
                        throw new IllegalStateException(peer + " has read something else");
                      }
                    })
                .count()
                .doOnNext(
                    read -> {
                      if (read != many) {
                        throw new IllegalStateException(read + " read (expected: " + many + ")");
                      }
                    })
                .then());
    Flux.fromIterable(stored).flatMap(peer::delete, 8).blockLast(PATIENCE);
    if (round > 0) {
      add("put", size, peer, put);
      add("get", size, peer, get);
    }
  }

  private Flux<ByteBuffer> chunks(int size) {
    return Flux.range(0, size / CHUNK)
        .map(i -> ByteBuffer.wrap(content, i * CHUNK, CHUNK).asReadOnlyBuffer());
  }

  /** Of the bytes and of how many there are. */
  private static Mono<Long> checksum(Flux<ByteBuffer> bytes) {
    return Mono.defer(
        () -> {
          CRC32C sum = new CRC32C();
          return bytes
              .reduce(
                  0L,
                  (size, buffer) -> {
                    long more = size + buffer.remaining();
                    sum.update(buffer);
                    return more;
                  })
              .map(size -> size << 32 | sum.getValue());
        });
  }

  private static Figures measure(long bytes, Mono<Void> work) {
    System.gc(); // so that nobody pays for what others have left
    long allocated = allocated();
    long cpu = PROCESS.getProcessCpuTime();
    long start = System.nanoTime();
    work.block(PATIENCE);
    double seconds = (System.nanoTime() - start) / 1e9;
    return new Figures(
        bytes / seconds / MIB,
        (double) (allocated() - allocated) / bytes,
        (double) (PROCESS.getProcessCpuTime() - cpu) / bytes);
  }

  /** By all threads that live; those of the client do all the while. */
  private static long allocated() {
    return Arrays.stream(THREADS.getThreadAllocatedBytes(THREADS.getAllThreadIds())).sum();
  }

  private void add(String what, int size, Peer peer, Figures figures) {
    results
        .computeIfAbsent(what + ' ' + size / MIB + " MiB, " + peer, w -> new ArrayList<>())
        .add(figures);
  }

  private List<Figures> of(String what, Peer peer) {
    return Objects.requireNonNull(results.get(what + ", " + peer));
  }

  private void report(List<Peer> peers) {
    System.out.printf(
        "%-28s %6s %19s %19s %8s %8s%n",
        "", "MiB/s", "to bare", "to bare, in parts", "B per B", "ns per B");
    for (String what : List.of("put 1 MiB", "put 100 MiB", "get 1 MiB", "get 100 MiB")) {
      for (Peer peer : peers) {
        List<Figures> all = of(what, peer);
        System.out.printf(
            Locale.ROOT,
            "%-28s %6.0f %19s %19s %8.2f %8.1f%n",
            what + ", " + peer,
            median(all.stream().mapToDouble(Figures::mibPerSecond)),
            ratios(all, of(what, peers.get(0))),
            ratios(all, of(what, peers.get(1))),
            median(all.stream().mapToDouble(Figures::allocatedPerByte)),
            median(all.stream().mapToDouble(Figures::nanosPerByte)));
      }
    }
  }

  /** Round by round: the median, the least and the greatest. */
  private static String ratios(List<Figures> ours, List<Figures> theirs) {
    Supplier<DoubleStream> ratios =
        () ->
            IntStream.range(0, ours.size())
                .mapToDouble(i -> ours.get(i).mibPerSecond() / theirs.get(i).mibPerSecond());
    return String.format(
        Locale.ROOT,
        "%.2f (%.2f to %.2f)",
        median(ratios.get()),
        ratios.get().min().orElseThrow(),
        ratios.get().max().orElseThrow());
  }

  private static double median(DoubleStream values) {
    double[] sorted = values.sorted().toArray();
    return sorted[sorted.length / 2];
  }
}
