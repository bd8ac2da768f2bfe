/** How others see what runs: its numbers, and the steps of a flow. */
@org.jspecify.annotations.NullMarked
package dev.sluice.observe;
