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
package dev.sluice.message;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

class MessageIdsTest {

  @Nested
  class Fresh {

    @Test
    void areUuidsOfVersion7() {
      long before = System.currentTimeMillis();
      String text = MessageIds.next();
      UUID id = UUID.fromString(text);

      assertThat(text)
          .matches("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
      assertThat(id.version()).isEqualTo(7);
      assertThat(id.variant()).isEqualTo(2);
      // Other tests of this JVM may have pushed the ids ahead of the clock, never behind it.
      assertThat(id.getMostSignificantBits() >>> 16).isBetween(before, before + 600_000);
    }

    @Test
    void areUniqueAndIncreasingWithinEachOfManyThreads() throws Exception {
      int threads = 8;
      int perThread = 100_000;
      ExecutorService executor = Executors.newFixedThreadPool(threads);
      try {
        CyclicBarrier start = new CyclicBarrier(threads);
        List<Future<List<String>>> runs = new ArrayList<>();
        for (int t = 0; t < threads; t++) {
          runs.add(executor.submit(drawing(perThread, start)));
        }
        Set<String> all = new HashSet<>();
        for (Future<List<String>> run : runs) {
          List<String> ids = run.get();
          assertThat(ids.equals(ids.stream().sorted().toList())).isTrue();
          all.addAll(ids);
        }
        assertThat(all).hasSize(threads * perThread);
      } finally {
        executor.shutdownNow();
      }
    }

    @Test
    void increaseFromThreadToThread() {
      List<String> ids = Collections.synchronizedList(new ArrayList<>());
      for (int i = 0; i < 1000; i++) {
        ids.add(MessageIds.next());
        Mono.fromRunnable(() -> ids.add(MessageIds.next()))
            .subscribeOn(Schedulers.boundedElastic())
            .block();
      }

      assertThat(ids).isSorted();
    }

    @Test
    void differInAllBitsThatAreNotTheClock() {
      long ones = 0;
      long zeros = 0;
      for (int i = 0; i < 10_000; i++) {
        long low = UUID.fromString(MessageIds.next()).getLeastSignificantBits();
        ones |= low;
        zeros |= ~low;
      }

      assertThat(ones).isEqualTo(0xBFFF_FFFF_FFFF_FFFFL);
      assertThat(zeros).isEqualTo(0x7FFF_FFFF_FFFF_FFFFL);
    }

    @Test
    void areDrawnOnThreadsThatMustNotBlock() {
      String id = Mono.fromCallable(MessageIds::next).subscribeOn(Schedulers.parallel()).block();

      assertThat(id).hasSize(36);
    }

    private Callable<List<String>> drawing(int count, CyclicBarrier start) {
      return () -> {
        List<String> ids = new ArrayList<>(count);
        start.await();
        for (int i = 0; i < count; i++) {
          ids.add(MessageIds.next());
        }
        return ids;
      };
    }
  }

  @Nested
  class Derived {

    /** RFC 9562, appendix A.4, and Python's documentation of uuid5. */
    @Test
    void agreeWithTheKnownVectors() {
      String dns = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";

      assertThat(MessageIds.derived(dns, "www.example.com"))
          .isEqualTo("2ed6657d-e927-568b-95e1-2665a8aea6a2");
      assertThat(MessageIds.derived(dns, "python.org"))
          .isEqualTo("886313e1-3b8a-5372-9b90-0c9aee199e5d");
    }

    @Test
    void areUuidsOfVersion5() {
      for (int i = 0; i < 1000; i++) {
        UUID id = UUID.fromString(MessageIds.derived("orders-3", Integer.toString(i)));
        assertThat(id.version()).isEqualTo(5);
        assertThat(id.variant()).isEqualTo(2);
      }
    }

    @Test
    void areAlwaysTheSame() {
      assertThat(MessageIds.derived("orders-3", "17"))
          .isEqualTo(MessageIds.derived("orders-3", "17"))
          .isEqualTo("94ed18f4-670b-55f7-b072-d0b9e44abdd6");
    }

    @Test
    void differByNamespaceAndName() {
      Set<String> ids = new HashSet<>();
      for (String namespace : List.of("", "a", "ab", "b", "6ba7b810-9dad-11d1-80b4-00c04fd430c8")) {
        for (String name : List.of("", "a", "ab", "b", "Grüße 🧳")) {
          ids.add(MessageIds.derived(namespace, name));
        }
      }

      assertThat(ids).hasSize(25);
    }

    @Test
    void doNotTakeOtherSpellingsOfAUuidForTheSame() {
      String uuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";

      assertThat(MessageIds.derived(uuid, "x"))
          .isNotEqualTo(MessageIds.derived(uuid.toUpperCase(Locale.ROOT), "x"))
          .isNotEqualTo(MessageIds.derived(uuid.replace("-", ""), "x"));
      assertThat(MessageIds.derived("zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz", "x")).hasSize(36);
    }

    @Test
    void areTheDigestOfNamespaceAndName() throws Exception {
      UUID namespace = UUID.fromString(MessageIds.next());
      MessageDigest sha1 = MessageDigest.getInstance("SHA-1");
      sha1.update(HexFormat.of().parseHex(namespace.toString().replace("-", "")));
      String hex = HexFormat.of().formatHex(sha1.digest("東京".getBytes(StandardCharsets.UTF_8)));

      String id = MessageIds.derived(namespace.toString(), "東京").replace("-", "");

      assertThat(id.substring(0, 12)).isEqualTo(hex.substring(0, 12));
      assertThat(id.substring(13, 16)).isEqualTo(hex.substring(13, 16));
      assertThat(id.substring(17)).isEqualTo(hex.substring(17, 32));
    }
  }
}
