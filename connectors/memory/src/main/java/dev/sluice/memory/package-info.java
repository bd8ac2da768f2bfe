@NullMarked
package dev.sluice.memory;

import org.jspecify.annotations.NullMarked;
