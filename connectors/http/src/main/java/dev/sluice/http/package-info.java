/**
 * Requests over HTTP that are answered later.
 *
 * <p>{@link dev.sluice.http.AsyncOperations} is where to begin.
 */
@NullMarked
package dev.sluice.http;

import org.jspecify.annotations.NullMarked;
