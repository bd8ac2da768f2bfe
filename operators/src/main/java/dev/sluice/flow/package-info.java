/** Flows: pipelines of deliveries in which every message is settled, whatever happens. */
@NullMarked
package dev.sluice.flow;

import org.jspecify.annotations.NullMarked;
