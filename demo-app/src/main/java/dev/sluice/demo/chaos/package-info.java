@org.jspecify.annotations.NullMarked
package dev.sluice.demo.chaos;
