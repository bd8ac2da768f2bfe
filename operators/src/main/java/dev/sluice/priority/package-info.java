/** Priority queue: what is urgent goes first, and what is not still goes. */
@NullMarked
package dev.sluice.priority;

import org.jspecify.annotations.NullMarked;
