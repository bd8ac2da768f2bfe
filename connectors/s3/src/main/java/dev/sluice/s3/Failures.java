/*
 * Copyright 2026 the Sluice contributors
 *
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at
 *
 *     https://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */
package dev.sluice.s3;

import dev.sluice.store.PayloadKey;
import dev.sluice.store.PayloadMissing;
import dev.sluice.store.StoreFailed;
import java.io.IOException;
import reactor.core.Exceptions;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.core.exception.SdkException;

/** What the client's exceptions mean. */
final class Failures {

  private static final int NOT_FOUND = 404;
  private static final int REQUEST_TIMEOUT = 408;
  private static final int CONFLICT = 409;
  private static final int PRECONDITION_FAILED = 412;
  private static final int RANGE_NOT_SATISFIABLE = 416;
  private static final int NOT_IMPLEMENTED = 501;

  private Failures() {}

  /** A failure to read an object; a connection that breaks in the middle says so itself. */
  static Throwable ofReading(String store, PayloadKey key, Throwable thrown) {
    if (isMissing(thrown)) {
      return new PayloadMissing(store, key);
    }
    Throwable error = Exceptions.unwrap(thrown);
    return error instanceof IOException
        ? StoreFailed.temporary(store, String.valueOf(error.getMessage()), error)
        : of(store, error);
  }

  /** A failure that is not about one object. */
  static Throwable of(String store, Throwable thrown) {
    Throwable error = Exceptions.unwrap(thrown);
    if (!(error instanceof SdkException)) {
      return error;
    }
    String what = String.valueOf(error.getMessage());
    return isTemporary(error)
        ? StoreFailed.temporary(store, what, error)
        : StoreFailed.permanent(store, what, error);
  }

  private static boolean isTemporary(Throwable error) {
    if (error instanceof AwsServiceException refused) {
      int status = refused.statusCode();
      return (status >= 500 && status != NOT_IMPLEMENTED)
          || status == REQUEST_TIMEOUT
          || status == CONFLICT
          || refused.isThrottlingException()
          || refused.isClockSkewException();
    }
    return error instanceof SdkClientException;
  }

  static boolean isMissing(Throwable error) {
    return hasStatus(error, NOT_FOUND);
  }

  static boolean isTaken(Throwable error) {
    return hasStatus(error, PRECONDITION_FAILED);
  }

  static boolean isBehindTheEnd(Throwable error) {
    return hasStatus(error, RANGE_NOT_SATISFIABLE);
  }

  private static boolean hasStatus(Throwable error, int status) {
    return Exceptions.unwrap(error) instanceof AwsServiceException refused
        && refused.statusCode() == status;
  }
}
