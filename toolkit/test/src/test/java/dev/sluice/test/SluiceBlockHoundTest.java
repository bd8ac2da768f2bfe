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

import static org.assertj.core.api.Assertions.assertThat;

import java.io.FileInputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionHandler;
import java.util.concurrent.RunnableScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;
import reactor.blockhound.BlockingOperationError;
import reactor.blockhound.integration.BlockHoundIntegration;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

class SluiceBlockHoundTest {

  private static final Duration TIMEOUT = Duration.ofSeconds(10);

  @Test
  void isFoundAsAService() {
    assertThat(ServiceLoader.load(BlockHoundIntegration.class))
        .anyMatch(SluiceBlockHound.class::isInstance);
  }

  @Test
  void aBlockingCallOnAParallelThreadIsReported() {
    blockingOn(Schedulers.parallel()).expectError(BlockingOperationError.class).verify(TIMEOUT);
  }

  @Test
  void aBlockingCallOnABoundedElasticThreadIsAllowed() {
    blockingOn(Schedulers.boundedElastic()).expectNext(false).expectComplete().verify(TIMEOUT);
  }

  @Test
  void aBlockingCallOnAnEventLoopOfTheAwsSdkIsReported() throws Exception {
    CompletableFuture<Throwable> thrown = new CompletableFuture<>();
    Thread eventLoop =
        new Thread(
            () -> {
              try {
                block();
                thrown.completeExceptionally(new AssertionError("nothing was reported"));
              } catch (Throwable t) {
                thrown.complete(t);
              }
            },
            "aws-java-sdk-NettyEventLoop-0-0");
    eventLoop.start();
    assertThat(thrown.get(10, TimeUnit.SECONDS)).isInstanceOf(BlockingOperationError.class);
  }

  @Test
  void secureRandomMayReadTheRandomSource() {
    Mono.fromCallable(
            () -> {
              byte[] bytes = new byte[16];
              new SecureRandom().nextBytes(bytes);
              return bytes.length;
            })
        .subscribeOn(Schedulers.parallel())
        .as(StepVerifier::create)
        .expectNext(16)
        .expectComplete()
        .verify(TIMEOUT);
  }

  @Test
  void readingAFileElsewhereIsReported() {
    Mono.fromCallable(
            () -> {
              try (FileInputStream in = new FileInputStream("pom.xml")) {
                return in.read();
              }
            })
        .subscribeOn(Schedulers.parallel())
        .as(StepVerifier::create)
        .expectError(BlockingOperationError.class)
        .verify(TIMEOUT);
  }

  /** As the AWS SDK does with each answer. Refused, the lock of the queue would stay broken. */
  @Test
  void aTaskMayBeHandedToAPoolWhoseQueueIsLocked() throws Exception {
    Latched sought = new Latched();
    ThreadPoolExecutor pool = poolWithOneQueued(new ThreadPoolExecutor.AbortPolicy());
    CompletableFuture<Boolean> search =
        CompletableFuture.supplyAsync(() -> pool.getQueue().contains(sought));
    assertThat(sought.compared.await(10, TimeUnit.SECONDS)).isTrue();
    AtomicReference<Thread> caller = new AtomicReference<>();
    CompletableFuture<Object> handedOver =
        Mono.fromRunnable(
                () -> {
                  caller.set(Thread.currentThread());
                  pool.execute(() -> {});
                })
            .subscribeOn(Schedulers.parallel())
            .toFuture();
    awaitWaiting(caller, handedOver);
    sought.goOn.countDown();
    assertThat(handedOver.get(10, TimeUnit.SECONDS)).isNull();
    assertThat(search.get(10, TimeUnit.SECONDS)).isFalse();
    pool.shutdownNow();
  }

  /**
   * As an interval does that is cancelled where it ticks: its task leaves the queue of its thread.
   * Refused, the queue would stay locked, and with it whoever wants to give that thread a task.
   */
  @Test
  void aTaskMayBeTakenOutOfAQueueThatIsLocked() throws Exception {
    whileTheQueueIsLocked((pool, later) -> assertThat(later.cancel(false)).isTrue());
  }

  @Test
  void aPoolMayBeShutDownWhoseQueueIsLocked() throws Exception {
    whileTheQueueIsLocked((pool, later) -> assertThat(pool.shutdownNow()).contains(later));
  }

  /** On a parallel thread, on a pool with one task that is for later. */
  private static void whileTheQueueIsLocked(
      BiConsumer<ScheduledThreadPoolExecutor, RunnableScheduledFuture<?>> call) throws Exception {
    ScheduledThreadPoolExecutor pool = new ScheduledThreadPoolExecutor(1);
    pool.setRemoveOnCancelPolicy(true);
    RunnableScheduledFuture<?> later =
        (RunnableScheduledFuture<?>) pool.schedule(() -> {}, 1, TimeUnit.DAYS);
    Latched sought = new Latched();
    CompletableFuture<Boolean> search =
        CompletableFuture.supplyAsync(() -> pool.getQueue().contains(sought));
    assertThat(sought.compared.await(10, TimeUnit.SECONDS)).isTrue();
    AtomicReference<Thread> caller = new AtomicReference<>();
    CompletableFuture<Object> called =
        Mono.fromRunnable(
                () -> {
                  caller.set(Thread.currentThread());
                  call.accept(pool, later);
                })
            .subscribeOn(Schedulers.parallel())
            .toFuture();
    awaitWaiting(caller, called);
    sought.goOn.countDown();
    assertThat(called.get(10, TimeUnit.SECONDS)).isNull();
    assertThat(search.get(10, TimeUnit.SECONDS)).isFalse();
    pool.shutdownNow();
  }

  @Test
  void aTaskThatAPoolHandsBackMayNotBlock() {
    ThreadPoolExecutor pool = poolWithOneQueued(new ThreadPoolExecutor.CallerRunsPolicy());
    pool.execute(() -> {}); // full
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Runnable blocking =
        () -> {
          try {
            block();
          } catch (Throwable t) {
            thrown.set(t);
          }
        };
    Mono.fromRunnable(() -> pool.execute(blocking))
        .subscribeOn(Schedulers.parallel())
        .as(StepVerifier::create)
        .expectComplete()
        .verify(TIMEOUT);
    assertThat(thrown.get()).isInstanceOf(BlockingOperationError.class);
    pool.shutdownNow();
  }

  /** Refused, there would be no sockets any more; so it takes a JVM of its own. */
  @Test
  void theFirstSocketOfAJvmMayLookForItsSettings() throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(argument -> argument.startsWith("-X")) // what BlockHound needs
        .forEach(command::add);
    command.addAll(
        List.of("-cp", System.getProperty("java.class.path"), FirstSocket.class.getName()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    assertThat(output).contains("made");
  }

  /** Until the call waits, or is over. */
  private static void awaitWaiting(AtomicReference<Thread> caller, CompletableFuture<?> call) {
    while (!call.isDone()
        && (caller.get() == null || caller.get().getState() != Thread.State.WAITING)) {
      Thread.onSpinWait();
    }
  }

  /** Its thread is busy, one task waits, and there is room for one more. */
  private static ThreadPoolExecutor poolWithOneQueued(RejectedExecutionHandler whenFull) {
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(1, 1, 0, TimeUnit.SECONDS, new LinkedBlockingQueue<>(2), whenFull);
    CountDownLatch never = new CountDownLatch(1);
    pool.execute(
        () -> {
          try {
            never.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the pool is shut down
          }
        });
    pool.execute(() -> {});
    return pool;
  }

  /** Being compared takes it a while, and a queue that is searched is locked meanwhile. */
  private static final class Latched {

    final CountDownLatch compared = new CountDownLatch(1);
    final CountDownLatch goOn = new CountDownLatch(1);

    @Override
    public boolean equals(Object other) {
      compared.countDown();
      try {
        goOn.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      return this == other;
    }

    @Override
    public int hashCode() {
      return 1;
    }
  }

  private static StepVerifier.FirstStep<Boolean> blockingOn(Scheduler scheduler) {
    return StepVerifier.create(
        Mono.fromCallable(SluiceBlockHoundTest::block).subscribeOn(scheduler));
  }

  /** Waits for a millisecond in a way that BlockHound knows. */
  private static boolean block() throws InterruptedException {
    return new CountDownLatch(1).await(1, TimeUnit.MILLISECONDS);
  }
}
