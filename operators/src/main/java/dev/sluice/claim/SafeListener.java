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
package dev.sluice.claim;

import dev.sluice.message.Message;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Exceptions;

/** A listener that cannot hurt the operators it listens to. */
final class SafeListener implements ClaimListener {

  private static final Logger log = LoggerFactory.getLogger(ClaimCheck.class);

  static final SafeListener NOBODY = new SafeListener(new ClaimListener() {});

  private final ClaimListener listener;

  SafeListener(ClaimListener listener) {
    this.listener = listener;
  }

  @Override
  public void stored(Claim claim, Duration ttl) {
    tell(() -> listener.stored(claim, ttl));
  }

  @Override
  public void inlined(long bytes) {
    tell(() -> listener.inlined(bytes));
  }

  @Override
  public void redeemed(Claim claim) {
    tell(() -> listener.redeemed(claim));
  }

  @Override
  public void refused(ClaimRefused.Reason reason) {
    tell(() -> listener.refused(reason));
  }

  @Override
  public void lost(Claim claim) {
    tell(() -> listener.lost(claim));
  }

  @Override
  public void deleted(Claim claim) {
    tell(() -> listener.deleted(claim));
  }

  @Override
  public void left(Claim claim, Throwable error) {
    log.warn("payload {} was not deleted; it is left to the sweeper", claim.key(), error);
    tell(() -> listener.left(claim, error));
  }

  @Override
  public void skipped(Message<?> message, Throwable error) {
    log.warn("{} skipped", message, error);
    tell(() -> listener.skipped(message, error));
  }

  private void tell(Runnable news) {
    try {
      news.run();
    } catch (Throwable t) {
      Exceptions.throwIfJvmFatal(t);
      log.warn("{} threw", listener, t);
    }
  }
}
