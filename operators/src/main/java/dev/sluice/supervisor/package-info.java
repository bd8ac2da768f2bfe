/**
 * Scheduler, agents and supervisors: {@link dev.sluice.supervisor.TaskScheduler} starts tasks of a
 * {@link dev.sluice.supervisor.TaskPlan} and sends their steps out, an {@link
 * dev.sluice.supervisor.Agent} does those of a channel, a {@link dev.sluice.supervisor.Supervisor}
 * applies the remedies of those in trouble.
 */
@NullMarked
package dev.sluice.supervisor;

import org.jspecify.annotations.NullMarked;
