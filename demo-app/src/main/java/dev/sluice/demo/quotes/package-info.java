@NullMarked
package dev.sluice.demo.quotes;

import org.jspecify.annotations.NullMarked;
