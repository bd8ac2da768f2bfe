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

import dev.sluice.kafka.chaos.Judge.Commit;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Asks the broker all the time what the group has committed, and remembers every answer. */
final class CommitWatch implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(CommitWatch.class);
  private static final long PAUSE_NANOS = 20_000_000;

  private final Admin admin;
  private final String group;
  private final Thread thread;
  private final List<Commit> commits = new CopyOnWriteArrayList<>();
  private final Map<Integer, Long> latest = new ConcurrentHashMap<>();
  private volatile boolean closed;

  CommitWatch(String servers, String group) {
    // Short timeouts: a broker that is away is asked again.
    this.admin =
        Admin.create(
            Map.of(
                "bootstrap.servers",
                servers,
                "request.timeout.ms",
                2_000,
                "default.api.timeout.ms",
                2_000));
    this.group = group;
    this.thread = new Thread(this::run, "chaos-commits");
    thread.setDaemon(true);
    thread.start();
  }

  private void run() {
    while (!closed) {
      try {
        Map<TopicPartition, OffsetAndMetadata> answer =
            new HashMap<>(
                admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get());
        long time = System.nanoTime();
        answer.forEach((id, committed) -> note(time, id.partition(), committed));
      } catch (ExecutionException e) {
        log.debug("no answer", e); // no group yet, or no broker
      } catch (InterruptedException e) {
        return;
      }
      LockSupport.parkNanos(PAUSE_NANOS);
    }
  }

  private void note(long time, int partition, OffsetAndMetadata committed) {
    if (committed != null) {
      Long before = latest.put(partition, committed.offset());
      if (before == null || before != committed.offset()) {
        commits.add(new Commit(time, partition, committed.offset()));
      }
    }
  }

  /** The offsets committed last, all partitions together. */
  long committed() {
    return latest.values().stream().mapToLong(offset -> offset).sum();
  }

  List<Commit> commits() {
    return List.copyOf(commits);
  }

  @Override
  public void close() {
    closed = true;
    thread.interrupt();
    admin.close();
  }
}
