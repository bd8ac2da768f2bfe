/** Contracts as tests: extend one, say how yours is made, and its rules run. */
@NullMarked
package dev.sluice.contract;

import org.jspecify.annotations.NullMarked;
