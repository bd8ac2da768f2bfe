/**
 * The acknowledgement contract: a delivery is a message with a settlement, and a settlement is
 * decided exactly once.
 */
@NullMarked
package dev.sluice.delivery;

import org.jspecify.annotations.NullMarked;
