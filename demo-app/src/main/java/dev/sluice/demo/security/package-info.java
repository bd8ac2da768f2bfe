@NullMarked
package dev.sluice.demo.security;

import org.jspecify.annotations.NullMarked;
