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
package dev.sluice.postgres;

import dev.sluice.channel.Capability;
import dev.sluice.channel.Channel;
import dev.sluice.contract.ChannelRig;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** Channels in one schema of a real server. What dies are the connections of the process. */
final class PostgresRig implements ChannelRig {

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private static final String SCHEMA = Server.freshSchema();

  /** Lives as long as the tests, and does to the tables what no channel would. */
  private static final PostgresDatabase OUTSIDE =
      Server.connect(p -> p.schema(SCHEMA).connections(1));

  private static final String END_LEASES =
      """
      with messages as (
        update {schema}.sl_message set visible_at = clock_timestamp()
        where queue = $1 and claim is not null)
      update {schema}.sl_lane set visible_at = clock_timestamp()
      where queue = $1 and claim is not null
      """;

  private static final String TAKE_AWAY =
      """
      with messages as (
        update {schema}.sl_message
        set visible_at = clock_timestamp(), claim = nextval('{schema}.sl_claim')
        where queue = $1 and claim is not null)
      update {schema}.sl_lane
      set visible_at = clock_timestamp(), claim = nextval('{schema}.sl_claim')
      where queue = $1 and claim is not null
      """;

  /** A statement on its way to the server must not be carried out after the death. */
  private static final String KILL =
      """
      select count(pg_terminate_backend(pid)) from pg_stat_activity
      where application_name = 'sluice' and pid <> pg_backend_pid()
      """;

  /**
   * What keeps its thread busy here keeps no answer of the database waiting, which all come on the
   * few threads of {@code Schedulers.parallel()}.
   */
  private static final Scheduler CONSUMERS = Schedulers.newParallel("consumers", 4, true);

  private static @Nullable PostgresDatabase process;

  private static PostgresDatabase process() {
    if (process == null) {
      process = Server.connect(p -> p.schema(SCHEMA).connections(12));
    }
    return process;
  }

  @Override
  public Set<Capability> capabilities() {
    return Set.of(
        Capability.ORDERED_GROUPS,
        Capability.EXCLUSIVE_GROUPS,
        Capability.PRIORITY,
        Capability.DELAY,
        Capability.EXPIRY,
        Capability.LEASES,
        Capability.DEPTH,
        Capability.BROWSE,
        Capability.TRANSACTIONAL,
        Capability.REDELIVERY_COUNT);
  }

  @Override
  public Channel create() {
    return open("channel " + UUID.randomUUID());
  }

  @Override
  public Channel restart(Channel channel) {
    process().close().block(PATIENCE);
    process = null;
    await("the sessions to end", () -> query(KILL) == 0);
    change(END_LEASES, channel);
    return open(channel.name());
  }

  private static Channel open(String name) {
    return PostgresChannel.create(
        process(), name, spec -> spec.flush(Duration.ofSeconds(3)).scheduler(CONSUMERS));
  }

  @Override
  public void loseOwnership(Channel channel) {
    change(TAKE_AWAY, channel);
    ((PostgresChannel) channel).beat();
    ((PostgresChannel) channel).wake();
  }

  private static long query(String sql) {
    return get(
        OUTSIDE
            .db()
            .run(
                "test",
                connection ->
                    Db.rows(
                            connection.createStatement(OUTSIDE.sql(sql)),
                            row -> row.get(0, Long.class))
                        .single()));
  }

  private static void change(String sql, Channel channel) {
    get(
        OUTSIDE
            .db()
            .run(
                "test",
                connection ->
                    Db.count(
                        connection.createStatement(OUTSIDE.sql(sql)).bind("$1", channel.name()))));
  }

  /** Its connection may be from before another test restarted the server. */
  private static <T> T get(Mono<T> answer) {
    return Objects.requireNonNull(answer.retry(3).block(PATIENCE));
  }

  /** To be called when the tests of a class are over. */
  static void end() {
    if (process != null) {
      process.close().block(PATIENCE);
      process = null;
    }
  }
}
