/** Kafka topics as channels. The door is {@link dev.sluice.kafka.KafkaChannel}. */
@NullMarked
package dev.sluice.kafka;

import org.jspecify.annotations.NullMarked;
