@NullMarked
package dev.sluice.demo.deadletters;

import org.jspecify.annotations.NullMarked;
