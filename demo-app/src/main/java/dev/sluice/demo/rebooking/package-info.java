@NullMarked
package dev.sluice.demo.rebooking;

import org.jspecify.annotations.NullMarked;
