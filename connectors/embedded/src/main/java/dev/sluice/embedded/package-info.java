/** Real servers inside the JVM, for tests and demos. */
@NullMarked
package dev.sluice.embedded;

import org.jspecify.annotations.NullMarked;
