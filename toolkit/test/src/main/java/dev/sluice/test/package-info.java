/** What the tests of a flow and of a connector need, on top of JUnit and reactor-test. */
@NullMarked
package dev.sluice.test;

import org.jspecify.annotations.NullMarked;
