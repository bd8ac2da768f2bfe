@NullMarked
package dev.sluice.demo.flight;

import org.jspecify.annotations.NullMarked;
