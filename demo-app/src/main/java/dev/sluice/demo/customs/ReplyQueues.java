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
package dev.sluice.demo.customs;

import dev.sluice.channel.Outbound;
import dev.sluice.postgres.PostgresChannel;
import dev.sluice.postgres.PostgresDatabase;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The queues that answers of customs may go to: one for each process that asks. Where a reply is to
 * go is said by the request, so only names of this form count, and only so many of them.
 */
final class ReplyQueues implements Function<String, @Nullable Outbound<byte[]>> {

  private static final String PREFIX = "customs.replies.";
  private static final Pattern NAME = Pattern.compile("customs\\.replies\\.[A-Za-z0-9._-]{1,64}");
  private static final int MOST = 64;

  private final PostgresDatabase database;
  private final Map<String, PostgresChannel> known = new ConcurrentHashMap<>();

  ReplyQueues(PostgresDatabase database) {
    this.database = database;
  }

  /** The queue of a process. */
  static PostgresChannel of(PostgresDatabase database, String instance) {
    return PostgresChannel.create(database, PREFIX + instance);
  }

  @Override
  public @Nullable Outbound<byte[]> apply(String name) {
    return !NAME.matcher(name).matches() || (known.size() >= MOST && !known.containsKey(name))
        ? null
        : known.computeIfAbsent(name, queue -> PostgresChannel.create(database, queue));
  }
}
