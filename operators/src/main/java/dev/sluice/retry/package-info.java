/** Retry: in place first, then delayed at the broker, then the dead letters. */
@NullMarked
package dev.sluice.retry;

import org.jspecify.annotations.NullMarked;
