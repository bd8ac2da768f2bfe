/**
 * The lane engine: elements of one key one after the other, keys at once, within two bounds. Not an
 * API, {@link dev.sluice.dispatch.LaneGauges} excepted: the patterns built on it are ({@link
 * dev.sluice.convoy.GroupedConvoy} and {@link dev.sluice.flow.Flow}), and this package may change
 * with every release.
 */
@Experimental
@NullMarked
package dev.sluice.dispatch;

import dev.sluice.Experimental;
import org.jspecify.annotations.NullMarked;
