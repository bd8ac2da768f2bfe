/**
 * The legacy baggage system, which speaks fixed-width text on Kafka, and the bridges between it and
 * the airport, which speaks JSON on queues in PostgreSQL.
 */
@org.jspecify.annotations.NullMarked
package dev.sluice.demo.legacy;
