@NullMarked
package dev.sluice.demo.bag;

import org.jspecify.annotations.NullMarked;
