/** What a transport offers and what a flow asks of it. */
@NullMarked
package dev.sluice.channel;

import org.jspecify.annotations.NullMarked;
