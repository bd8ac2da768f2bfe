/**
 * Meters and traces with Micrometer: {@link dev.sluice.micrometer.SluiceMeters} binds what is
 * {@link dev.sluice.observe.Metered} to a registry, {@link
 * dev.sluice.micrometer.SluiceObservations} follows deliveries and sends, with their traces from
 * process to process.
 */
@org.jspecify.annotations.NullMarked
package dev.sluice.micrometer;
