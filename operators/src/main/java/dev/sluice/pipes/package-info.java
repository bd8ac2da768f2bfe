/** Pipes and filters: steps that can be composed, replaced, reordered and scaled on their own. */
@NullMarked
package dev.sluice.pipes;

import org.jspecify.annotations.NullMarked;
