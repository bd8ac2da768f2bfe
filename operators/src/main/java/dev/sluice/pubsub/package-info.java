/** Publish-subscribe: everybody gets what is published, and nobody waits for anybody. */
@NullMarked
package dev.sluice.pubsub;

import org.jspecify.annotations.NullMarked;
