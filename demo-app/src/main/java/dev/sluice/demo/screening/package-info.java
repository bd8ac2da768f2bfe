@org.jspecify.annotations.NullMarked
package dev.sluice.demo.screening;
