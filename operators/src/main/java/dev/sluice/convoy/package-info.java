@NullMarked
package dev.sluice.convoy;

import org.jspecify.annotations.NullMarked;
