/** What is sent: {@link dev.sluice.message.Message}, an immutable value, and how it travels. */
@NullMarked
package dev.sluice.message;

import org.jspecify.annotations.NullMarked;
