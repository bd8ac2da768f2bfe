/** What keeps time. */
@NullMarked
package dev.sluice.time;

import org.jspecify.annotations.NullMarked;
