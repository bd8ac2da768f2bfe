/** Competing consumers: many workers on one queue, as many as it takes. */
@NullMarked
package dev.sluice.compete;

import org.jspecify.annotations.NullMarked;
