@NullMarked
package dev.sluice.demo.claims;

import org.jspecify.annotations.NullMarked;
