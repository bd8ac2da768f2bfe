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
package dev.sluice.kafka;

import dev.sluice.channel.SendFailed;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.errors.UnsupportedForMessageFormatException;

/** What a failure of the producer says about the message. */
final class SendFailures {

  private SendFailures() {}

  /** The producer did not take the record. */
  static SendFailed refused(String topic, PendingSend send, Throwable cause) {
    return isPermanent(cause)
        ? permanent(topic, send, cause)
        : SendFailed.notSent(topic, "record not taken: " + cause.getMessage(), cause);
  }

  /**
   * The producer took the record and gave up on it. Whether an earlier attempt of it reached the
   * broker is known only where the broker's answer does not depend on it.
   */
  static SendFailed unconfirmed(String topic, PendingSend send, Throwable cause) {
    if (isPermanent(cause)) {
      return permanent(topic, send, cause);
    }
    return cause instanceof AuthorizationException
        ? SendFailed.notSent(topic, "record refused: " + cause.getMessage(), cause)
        : SendFailed.unknown(topic, "record not confirmed: " + cause.getMessage(), cause);
  }

  private static boolean isPermanent(Throwable cause) {
    return cause instanceof RecordTooLargeException
        || cause instanceof InvalidTopicException
        || cause instanceof SerializationException
        || cause instanceof UnsupportedForMessageFormatException
        || cause instanceof InvalidRecordException;
  }

  private static SendFailed permanent(String topic, PendingSend send, Throwable cause) {
    String what =
        cause instanceof RecordTooLargeException
            ? "record of about "
                + send.size
                + " bytes (expected: within "
                + ProducerConfig.MAX_REQUEST_SIZE_CONFIG
                + " of the producer and max.message.bytes of the topic): "
                + cause.getMessage()
            : "record of about " + send.size + " bytes refused: " + cause.getMessage();
    return SendFailed.permanent(topic, what, cause);
  }
}
