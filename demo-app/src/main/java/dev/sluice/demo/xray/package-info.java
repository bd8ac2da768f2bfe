@NullMarked
package dev.sluice.demo.xray;

import org.jspecify.annotations.NullMarked;
