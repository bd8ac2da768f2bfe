/** Payloads in S3: the entry is {@link dev.sluice.s3.S3PayloadStore}. */
@NullMarked
package dev.sluice.s3;

import org.jspecify.annotations.NullMarked;
