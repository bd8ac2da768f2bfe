/** Durable stores on PostgreSQL: {@link dev.sluice.postgres.PostgresDatabase} first. */
@NullMarked
package dev.sluice.postgres;

import org.jspecify.annotations.NullMarked;
