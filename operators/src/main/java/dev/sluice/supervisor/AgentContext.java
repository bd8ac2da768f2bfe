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
package dev.sluice.supervisor;

import dev.sluice.Experimental;
import dev.sluice.codec.PayloadCodec;
import dev.sluice.message.Message;
import dev.sluice.store.Content;
import dev.sluice.store.StepKey;
import dev.sluice.store.TaskStore.Run;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The step that an agent works on. */
@Experimental
public final class AgentContext {

  private final AgentRun run;

  AgentContext(AgentRun run) {
    this.run = run;
  }

  /** Which step of which task. */
  public StepKey key() {
    return run().key();
  }

  /** What sort of task it is. */
  public String kind() {
    return run().kind();
  }

  /** Which attempt this is, counted together with those of its undoing, 1 or more. */
  public int attempt() {
    return run().attempt();
  }

  /**
   * What a callee recognises repetitions by: the same for every attempt of this step, by whatever
   * agent, and another one for its undoing.
   */
  public String idempotencyKey() {
    return run().undoing() ? key() + "/undo" : key().toString();
  }

  /**
   * Greater with each attempt of this step: whoever has the effect can refuse what comes from an
   * agent that was away, by remembering the greatest that it has seen.
   */
  public long fence() {
    return run().version();
  }

  /** How long until the step must be complete; zero if it must be by now. */
  public Duration left() {
    return run.left();
  }

  /**
   * What a step before has given.
   *
   * @param step one that this step comes after
   * @return null if it gave nothing
   * @throws dev.sluice.codec.UnreadablePayload if the codec cannot read it
   */
  public <T> @Nullable T output(String step, PayloadCodec<T> codec) {
    Content output = run().outputs().get(Objects.requireNonNull(step, "step"));
    return output == null ? null : read(output, codec);
  }

  /**
   * Says how far the work is; it is in the store with the next heartbeat.
   *
   * @param note for people to see, at most {@value dev.sluice.store.TaskStore#MAX_NOTE} characters
   */
  public void progress(String note) {
    run.progress(Objects.requireNonNull(note, "note"));
  }

  static <T> T read(Content content, PayloadCodec<T> codec) {
    return codec.decode(
        Message.builder(content.bytes())
            .contentType(content.type().isEmpty() ? codec.contentType() : content.type())
            .build());
  }

  private Run run() {
    return run.run();
  }

  @Override
  public String toString() {
    return (run().undoing() ? "undoing of step " : "step ") + key() + " of " + kind();
  }
}
