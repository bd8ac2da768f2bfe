/** Work that is done once: {@link dev.sluice.idempotent.Idempotent} is the door. */
@NullMarked
package dev.sluice.idempotent;

import org.jspecify.annotations.NullMarked;
