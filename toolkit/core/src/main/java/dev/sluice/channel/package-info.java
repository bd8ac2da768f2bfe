@NullMarked
package dev.sluice.channel;

import org.jspecify.annotations.NullMarked;
