/** Payloads as bytes and back. */
@NullMarked
package dev.sluice.codec;

import org.jspecify.annotations.NullMarked;
