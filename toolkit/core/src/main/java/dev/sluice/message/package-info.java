@NullMarked
package dev.sluice.message;

import org.jspecify.annotations.NullMarked;
