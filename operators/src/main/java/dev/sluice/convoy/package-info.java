/** Sequential convoy: related messages in order, unrelated ones at once. */
@NullMarked
package dev.sluice.convoy;

import org.jspecify.annotations.NullMarked;
