@NullMarked
package dev.sluice.demo.loading;

import org.jspecify.annotations.NullMarked;
