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

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * What one member did, written by itself into a file that outlives it: when each run of a worker
 * began, and how and when it ended.
 *
 * <p>The file is mapped into memory, so that writing neither blocks nor gets lost with the process:
 * once stored, an entry belongs to the operating system. An entry that a kill has torn has no kind
 * and is passed over. Times are {@link System#nanoTime}, which on Linux is one clock for all
 * processes of a machine.
 */
final class Ledger {

  private static final int CAPACITY = 400_000;
  private static final int SIZE = 48;

  /** More than there can be threads that write: behind so many there is nothing. */
  private static final int MAX_TORN = 1_000;

  private static final int KIND = 0;
  private static final int FLIGHT = 4;
  private static final int KEY = 8;
  private static final int SEQ = 12;
  private static final int PARTITION = 16;
  private static final int OFFSET = 24;
  private static final int EPOCH = 32;
  private static final int TIME = 40;

  private static final int NEVER_FINISHED = 0;
  private static final int BEGUN = 1;
  private static final int DONE = 2;
  private static final int FAILED = 3;
  private static final int CANCELLED = 4;

  private static final VarHandle INT =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());

  private final ByteBuffer file;
  private final AtomicInteger next = new AtomicInteger();

  private Ledger(ByteBuffer file) {
    this.file = file;
  }

  static Ledger create(Path path) {
    return new Ledger(map(path));
  }

  private static ByteBuffer map(Path path) {
    try (FileChannel channel =
        FileChannel.open(
            path,
            StandardOpenOption.CREATE,
            StandardOpenOption.SPARSE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      return channel
          .map(MapMode.READ_WRITE, 0, (long) CAPACITY * SIZE)
          .order(ByteOrder.nativeOrder());
    } catch (IOException e) {
      throw new UncheckedIOException("ledger " + path, e);
    }
  }

  // == the member ==

  /** A worker begins. */
  Run begin(Work work) {
    return new Run(work, write(BEGUN, -1, work));
  }

  /** A run of a worker, which ends once. */
  final class Run {

    private final Work work;
    private final int flight;
    private final AtomicBoolean ended = new AtomicBoolean();

    private Run(Work work, int flight) {
      this.work = work;
      this.flight = flight;
    }

    /** Where its beginning is written, in bytes. */
    long entry() {
      return (long) flight * SIZE;
    }

    void done() {
      end(DONE);
    }

    void failed() {
      end(FAILED);
    }

    void cancelled() {
      end(CANCELLED);
    }

    private void end(int kind) {
      if (ended.compareAndSet(false, true)) {
        write(kind, flight, work);
      }
    }
  }

  private int write(int kind, int flight, Work work) {
    int entry = next.getAndIncrement();
    if (entry >= CAPACITY) {
      throw new IllegalStateException("entries: " + entry + " (expected: < " + CAPACITY + ")");
    }
    int at = entry * SIZE;
    file.putInt(at + FLIGHT, flight < 0 ? entry : flight);
    file.putInt(at + KEY, work.key());
    file.putInt(at + SEQ, work.seq());
    file.putInt(at + PARTITION, work.partition());
    file.putLong(at + OFFSET, work.offset());
    file.putLong(at + EPOCH, work.epoch());
    file.putLong(at + TIME, System.nanoTime());
    INT.setRelease(file, at + KIND, kind);
    return entry;
  }

  // == the observer ==

  /** Follows a ledger while it is being written, and after. Not thread-safe. */
  static final class Reader {

    private final String book;
    private final ByteBuffer file;
    private int read;
    private boolean readOut;

    Reader(String book, Path path) {
      this.book = book;
      this.file = map(path);
    }

    /** Passes on the ids of works that have been done since the last call. */
    void poll(Consumer<Long> done) {
      for (int kind; read < CAPACITY && (kind = kind(read)) != NEVER_FINISHED; read++) {
        if (kind == DONE) {
          int at = read * SIZE;
          done.accept((long) file.getInt(at + KEY) << 32 | file.getInt(at + SEQ));
        }
      }
    }

    /**
     * Passes on the rest when the writer is dead: what it has torn is not waited for any more, or
     * it would hide what other threads wrote behind it.
     */
    void pollLast(Consumer<Long> done) {
      if (readOut) {
        return;
      }
      readOut = true;
      poll(done);
      for (int torn = 0; read < CAPACITY && torn < MAX_TORN; torn++) {
        read++;
        poll(done);
      }
    }

    /** All flights there are, by their beginning. */
    List<Flight> flights() {
      Map<Integer, Integer> ends = new HashMap<>();
      List<Integer> begun = new ArrayList<>();
      long lastSignOfLife = Long.MIN_VALUE;
      for (int entry = 0, torn = 0; entry < CAPACITY && torn < MAX_TORN; entry++) {
        int kind = kind(entry);
        if (kind == NEVER_FINISHED) {
          torn++;
          continue;
        }
        lastSignOfLife = Math.max(lastSignOfLife, time(entry));
        if (kind == BEGUN) {
          begun.add(entry);
        } else {
          ends.put(file.getInt(entry * SIZE + FLIGHT), entry);
        }
      }
      List<Flight> flights = new ArrayList<>(begun.size());
      for (int entry : begun) {
        int at = entry * SIZE;
        Integer end = ends.get(entry);
        flights.add(
            new Flight(
                book,
                file.getInt(at + KEY),
                file.getInt(at + SEQ),
                file.getInt(at + PARTITION),
                file.getLong(at + OFFSET),
                file.getLong(at + EPOCH),
                time(entry),
                end == null ? lastSignOfLife : time(end),
                end == null ? Flight.Fate.OPEN : fate(kind(end))));
      }
      return flights;
    }

    private int kind(int entry) {
      return (int) INT.getAcquire(file, entry * SIZE + KIND);
    }

    private long time(int entry) {
      return file.getLong(entry * SIZE + TIME);
    }

    private static Flight.Fate fate(int kind) {
      return switch (kind) {
        case DONE -> Flight.Fate.DONE;
        case FAILED -> Flight.Fate.FAILED;
        case CANCELLED -> Flight.Fate.CANCELLED;
        default -> throw new IllegalStateException("kind: " + kind + " (expected: an end)");
      };
    }
  }
}
