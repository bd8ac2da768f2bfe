/** Marble diagrams as text: one script is drawn for people and replayed as a test. */
@NullMarked
package dev.sluice.test.marble;

import org.jspecify.annotations.NullMarked;
