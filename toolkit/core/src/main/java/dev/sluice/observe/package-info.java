/** How others see what runs: meters, listeners of flows, and what a running flow looks like. */
@org.jspecify.annotations.NullMarked
package dev.sluice.observe;
