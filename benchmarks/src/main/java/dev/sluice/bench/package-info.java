/** Benchmarks: each pattern beside the plain-Reactor composition that one would write otherwise. */
@NullMarked
package dev.sluice.bench;

import org.jspecify.annotations.NullMarked;
