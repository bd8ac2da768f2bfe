@NullMarked
package dev.sluice.demo.live;

import org.jspecify.annotations.NullMarked;
