@NullMarked
package dev.sluice.demo.turnaround;

import org.jspecify.annotations.NullMarked;
