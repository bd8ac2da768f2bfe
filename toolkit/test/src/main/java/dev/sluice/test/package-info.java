@NullMarked
package dev.sluice.test;

import org.jspecify.annotations.NullMarked;
