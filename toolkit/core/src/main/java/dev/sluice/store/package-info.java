/** What the stores of the patterns are like, whoever keeps them. */
@NullMarked
package dev.sluice.store;

import org.jspecify.annotations.NullMarked;
