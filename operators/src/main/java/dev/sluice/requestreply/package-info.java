/**
 * Request/reply over channels: {@link dev.sluice.requestreply.Requester} asks, {@link
 * dev.sluice.requestreply.Replier} answers.
 */
@NullMarked
package dev.sluice.requestreply;

import org.jspecify.annotations.NullMarked;
