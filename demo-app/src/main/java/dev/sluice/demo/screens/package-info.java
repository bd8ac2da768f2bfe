@NullMarked
package dev.sluice.demo.screens;

import org.jspecify.annotations.NullMarked;
