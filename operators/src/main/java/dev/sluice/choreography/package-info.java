/** Choreography: who takes part knows which events concern it, and nobody directs. */
@NullMarked
package dev.sluice.choreography;

import org.jspecify.annotations.NullMarked;
