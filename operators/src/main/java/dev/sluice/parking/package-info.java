/**
 * Parked groups: a group whose message has failed waits in its order until somebody releases it.
 */
@NullMarked
package dev.sluice.parking;

import org.jspecify.annotations.NullMarked;
