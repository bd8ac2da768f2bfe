/** Routing: where a message goes is decided by what it is, or by what it carries. */
@NullMarked
package dev.sluice.routing;

import org.jspecify.annotations.NullMarked;
