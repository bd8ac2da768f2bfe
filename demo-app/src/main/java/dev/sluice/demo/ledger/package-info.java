@NullMarked
package dev.sluice.demo.ledger;

import org.jspecify.annotations.NullMarked;
