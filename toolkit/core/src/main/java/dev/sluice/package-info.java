/** What holds for the whole of Sluice. */
@NullMarked
package dev.sluice;

import org.jspecify.annotations.NullMarked;
