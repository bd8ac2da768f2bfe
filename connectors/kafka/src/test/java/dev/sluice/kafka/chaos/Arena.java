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
package dev.sluice.kafka.chaos;

import static dev.sluice.kafka.chaos.Await.await;

import dev.sluice.embedded.EmbeddedKafka;
import dev.sluice.kafka.GroupProtocol;
import dev.sluice.kafka.chaos.Judge.Book;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.common.config.ConfigResource;

/**
 * One topic under load, the members of its group with their ledgers, and the watch over what is
 * committed: everything that a chaos needs except for the chaos.
 */
final class Arena implements AutoCloseable {

  private static final AtomicInteger TOPICS = new AtomicInteger();
  private static final int PARTITIONS = 6;

  /** More than all members together can have out, so that nobody is ever idle. */
  private static final int AHEAD = 2_000;

  private static final long SEED = 20260101;

  /** The broker that the arenas of this JVM share. */
  private static final class Shared {
    static final EmbeddedKafka KAFKA = EmbeddedKafka.create().start();

    static {
      Runtime.getRuntime().addShutdownHook(new Thread(KAFKA::close));
    }
  }

  private record Life(String name, Ledger.Reader ledger, LocalMember local, MemberProcess process) {

    boolean killed() {
      return process != null && process.killed();
    }

    boolean dead() {
      return process != null && process.dead();
    }

    String state() {
      return name + ": " + (process == null ? local.report() : process.state());
    }
  }

  private final Path directory;
  private MemberSpec spec;
  private final CommitWatch watch;
  private final Load load;
  private final List<Life> lives = new ArrayList<>();
  private final Set<Long> done = new HashSet<>();

  private Arena(EmbeddedKafka kafka, Path directory, GroupProtocol protocol) {
    this.directory = directory;
    String topic = "arena-" + TOPICS.incrementAndGet();
    kafka.createTopic(topic, PARTITIONS);
    this.spec = MemberSpec.of(kafka.bootstrapServers(), topic, protocol);
    this.watch = new CommitWatch(spec.servers(), spec.group());
    this.load = new Load(spec.servers(), topic, AHEAD, this::done, SEED);
  }

  static Arena open(Path directory, GroupProtocol protocol) {
    return new Arena(Shared.KAFKA, directory, protocol);
  }

  static Arena open(EmbeddedKafka kafka, Path directory, GroupProtocol protocol) {
    return new Arena(kafka, directory, protocol);
  }

  /** After what time without a sign of life a member is expelled. Before the first one joins. */
  void sessionTimeout(Duration timeout) {
    if (spec.protocol() == GroupProtocol.CLASSIC) {
      spec = spec.sessionTimeout(timeout);
      return;
    }
    ConfigResource group = new ConfigResource(ConfigResource.Type.GROUP, spec.group());
    ConfigEntry entry =
        new ConfigEntry("consumer.session.timeout.ms", String.valueOf(timeout.toMillis()));
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", spec.servers()))) {
      admin
          .incrementalAlterConfigs(
              Map.of(group, List.of(new AlterConfigOp(entry, AlterConfigOp.OpType.SET))))
          .all()
          .get();
    } catch (ExecutionException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  MemberSpec spec() {
    return spec;
  }

  /** A new member in this JVM. */
  LocalMember join(UnaryOperator<MemberSpec> change) {
    String name = nextName();
    Path ledger = directory.resolve(name);
    LocalMember member = LocalMember.join(change.apply(spec), ledger);
    add(new Life(name, new Ledger.Reader(name, ledger), member, null));
    return member;
  }

  /** A new member in a process of its own. */
  MemberProcess launch(UnaryOperator<MemberSpec> change) {
    String name = nextName();
    Path ledger = directory.resolve(name);
    MemberProcess process =
        MemberProcess.launch(change.apply(spec), ledger, directory.resolve(name + ".log"));
    add(new Life(name, new Ledger.Reader(name, ledger), null, process));
    return process;
  }

  private synchronized void add(Life life) {
    lives.add(life);
  }

  private synchronized String nextName() {
    return "member-" + lives.size();
  }

  // == progress ==

  /** How many works are done so far, each counted once. */
  synchronized long done() {
    for (Life life : lives) {
      if (life.dead()) {
        life.ledger().pollLast(done::add);
      } else {
        life.ledger().poll(done::add);
      }
    }
    return done.size();
  }

  /** What a member has done so far. */
  synchronized List<Flight> flights(MemberProcess process) {
    return lives.stream()
        .filter(life -> life.process() == process)
        .flatMap(life -> life.ledger().flights().stream())
        .toList();
  }

  long sent() {
    return load.total();
  }

  long committed() {
    return watch.committed();
  }

  /** Waits until so many more works are done, for as long as it goes on. */
  void awaitProgress(int more) {
    awaitDone(done() + more);
  }

  /** Waits until the next work is done. */
  void awaitNext(Duration bound) {
    long before = done();
    await(
        bound,
        () -> "more done, is " + this + states(),
        () -> {
          requireAlive();
          return done() > before;
        });
  }

  /** On a busy machine everything takes its time; what stands still is stuck. */
  private void awaitDone(long enough) {
    while (done() < enough) {
      awaitNext(Await.LONG);
    }
  }

  /** What the members are doing, for whoever waits in vain. */
  synchronized String states() {
    return lives.stream()
        .filter(life -> !life.killed())
        .map(life -> "\n" + life.state())
        .collect(Collectors.joining());
  }

  private synchronized void requireAlive() {
    for (Life life : lives) {
      if (life.process() != null && !life.killed()) {
        life.process().requireAlive();
      }
    }
  }

  /** Ends the load, and waits until all of it is done and committed. */
  Judgement finish() {
    Judgement judgement = new Judgement(load.end());
    awaitDone(load.total());
    await(
        Await.LONG,
        () -> "all committed, is " + this + states(),
        () -> committed() >= load.total());
    return judgement;
  }

  /** Knows what was sent; asked when all members have ended. */
  final class Judgement {

    private final int[] sent;

    private Judgement(int[] sent) {
      this.sent = sent;
    }

    Verdict verdict() {
      return Judge.of(sent).judge(books(), watch.commits());
    }

    Verdict behindAFence() {
      return Judge.of(sent).behindAFence().judge(books(), watch.commits());
    }
  }

  private synchronized List<Book> books() {
    return lives.stream()
        .map(life -> new Book(life.name(), life.killed(), life.ledger().flights()))
        .toList();
  }

  /** Ends whatever a test that failed has left behind. */
  @Override
  public synchronized void close() {
    load.abandon();
    for (Life life : lives) {
      if (life.process() != null) {
        life.process().kill();
      } else {
        life.local().stop(Duration.ZERO);
      }
    }
    watch.close();
  }

  @Override
  public String toString() {
    return "done " + done() + ", sent " + sent() + ", committed " + committed();
  }
}
