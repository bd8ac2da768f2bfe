/** Sagas: steps with compensations, and the boundary that runs them backward when one fails. */
@NullMarked
package dev.sluice.saga;

import org.jspecify.annotations.NullMarked;
