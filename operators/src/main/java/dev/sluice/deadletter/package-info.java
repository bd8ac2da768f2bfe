/**
 * Rejected messages are kept, reviewed and sent back: {@link dev.sluice.deadletter.DeadLettering}.
 */
@NullMarked
package dev.sluice.deadletter;

import org.jspecify.annotations.NullMarked;
