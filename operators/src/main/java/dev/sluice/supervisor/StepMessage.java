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

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.sluice.codec.UnreadablePayload;
import dev.sluice.message.Message;
import dev.sluice.message.MessageIds;
import dev.sluice.store.StepKey;
import dev.sluice.store.TaskStore.Dispatch;

/**
 * What travels from a scheduler to an agent: which step, and with which version it may be claimed.
 * The rest is in the store. As text, {@code 2 4 fuel turnaround-7}: the version, the length of the
 * name of the step, the step, the task.
 */
record StepMessage(StepKey key, long version) {

  static final String TYPE = "sluice.task.step";

  private static final String CONTENT_TYPE = "text/plain; charset=utf-8";

  /** The same step of the same version has the same id, however often it is sent. */
  static Message<byte[]> of(Dispatch dispatch) {
    StepKey key = dispatch.key();
    String text =
        dispatch.version() + " " + key.step().length() + ' ' + key.step() + ' ' + key.task();
    return Message.builder(text.getBytes(UTF_8))
        .id(MessageIds.derived(key.toString(), Long.toString(dispatch.version())))
        .type(TYPE)
        .contentType(CONTENT_TYPE)
        .build();
  }

  static StepMessage read(byte[] payload) {
    String text = new String(payload, UTF_8);
    int first = text.indexOf(' ');
    int second = text.indexOf(' ', first + 1);
    try {
      long version = Long.parseLong(text.substring(0, first));
      int end = second + 1 + Integer.parseInt(text.substring(first + 1, second));
      return new StepMessage(
          new StepKey(text.substring(end + 1), text.substring(second + 1, end)), version);
    } catch (IndexOutOfBoundsException | IllegalArgumentException e) {
      throw new UnreadablePayload(CONTENT_TYPE, "not a step of a task", null);
    }
  }
}
