@NullMarked
package dev.sluice.demo.problem;

import org.jspecify.annotations.NullMarked;
