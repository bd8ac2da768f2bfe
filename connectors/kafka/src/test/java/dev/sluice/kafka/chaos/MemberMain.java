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
package dev.sluice.kafka.chaos;

import dev.sluice.channel.FlowHandle;
import dev.sluice.delivery.LeakDetector;
import java.io.IOException;
import java.time.Duration;

/**
 * A {@link LocalMember} as a process of its own. It works until its standard input ends, hence not
 * longer than whoever started it; then it stops in good order.
 */
final class MemberMain {

  /** Commands: what one byte on the standard input says. */
  static final int STICKY = 's';

  static final int NOT_STICKY = 'n';

  static final int REPORT = 'r';

  private static final int FAILED = 2;
  private static final int LEAKED = 3;

  private MemberMain() {}

  public static void main(String[] arguments) throws IOException {
    LocalMember member = LocalMember.join(MemberSpec.of(arguments), MemberSpec.ledger(arguments));
    for (int command; (command = System.in.read()) >= 0; ) {
      if (command == REPORT) {
        System.out.println(member.report());
      } else {
        member.sticky(command == STICKY);
      }
    }
    member.stop(Duration.ofSeconds(2));
    FlowHandle.Stats stats = member.flow().stats();
    System.out.println(stats);
    System.exit(
        stats.state() != FlowHandle.State.STOPPED ? FAILED : LeakDetector.leaks() > 0 ? LEAKED : 0);
  }
}
