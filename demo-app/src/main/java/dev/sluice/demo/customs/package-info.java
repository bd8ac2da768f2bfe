@NullMarked
package dev.sluice.demo.customs;

import org.jspecify.annotations.NullMarked;
