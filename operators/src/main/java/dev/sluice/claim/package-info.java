/** Large payloads travel beside the messages: the entry is {@link dev.sluice.claim.ClaimCheck}. */
@NullMarked
package dev.sluice.claim;

import org.jspecify.annotations.NullMarked;
