/** Flows over Kafka beside the bare consumers that one would write otherwise, end to end. */
@NullMarked
package dev.sluice.bench.kafka;

import org.jspecify.annotations.NullMarked;
