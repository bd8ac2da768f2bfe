/**
 * A channel in this JVM: leases, exclusive ordered groups, priority, delay and expiry, without a
 * broker.
 */
@NullMarked
package dev.sluice.memory;

import org.jspecify.annotations.NullMarked;
