/** Scatter-gather: one question to many, and what came back by when. */
@NullMarked
package dev.sluice.gather;

import org.jspecify.annotations.NullMarked;
