/** Messaging bridges: what is sent on one side arrives on the other, whatever they are built of. */
@NullMarked
package dev.sluice.bridge;

import org.jspecify.annotations.NullMarked;
