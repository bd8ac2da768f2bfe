@NullMarked
package dev.sluice.demo.load;

import org.jspecify.annotations.NullMarked;
