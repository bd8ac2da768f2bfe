/** Runs the benchmarks and writes what was seen into their page. */
@NullMarked
package dev.sluice.bench.report;

import org.jspecify.annotations.NullMarked;
