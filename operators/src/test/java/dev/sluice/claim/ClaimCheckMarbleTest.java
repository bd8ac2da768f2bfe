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

import static dev.sluice.claim.ClaimCheck.claimCheck;
import static dev.sluice.claim.ClaimCheck.redeem;

import dev.sluice.message.Message;
import dev.sluice.test.TestChannel;
import dev.sluice.test.marble.MarbleScript;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;

/** What the diagrams show is what happens: p and q are payloads that are large, c is a claim. */
class ClaimCheckMarbleTest {

  private static final Path SCRIPTS = Path.of("src/main/java/dev/sluice/claim/doc-files");
  private static final Keyring KEYS = ClaimFixture.keyring();

  /** What is drawn as a large payload is one. */
  private static Message<byte[]> message(String token) {
    byte[] payload = ClaimFixture.utf8(token);
    return Message.builder(token.startsWith("p") ? new byte[200] : payload).type(token).build();
  }

  @Test
  void storesWhatIsLarge() {
    Shelf shelf = new Shelf("store").putsTake(Duration.ofMillis(6));
    MarbleScript.load(SCRIPTS.resolve("claimCheck.marble"))
        .verify(
            in ->
                Objects.requireNonNull(in.get("bags"))
                    .map(ClaimCheckMarbleTest::message)
                    .transform(claimCheck(shelf, KEYS, c -> c.threshold(100)))
                    .map(
                        message ->
                            message.headers().contains(ClaimCheck.HEADER)
                                ? message.type().replace('p', 'c')
                                : TestChannel.text(message)));
  }

  @Test
  void readsWhatWasStored() {
    Shelf shelf = new Shelf("store");
    Message<byte[]> large =
        Objects.requireNonNull(
            ClaimCheck.checker(shelf, KEYS, c -> c.threshold(100)).check(message("p")).block());
    shelf.getsTake(Duration.ofMillis(6));
    MarbleScript.load(SCRIPTS.resolve("redeem.marble"))
        .verify(
            in ->
                Objects.requireNonNull(in.get("bags"))
                    .map(token -> token.startsWith("c") ? large.withType(token) : message(token))
                    .transform(source -> redeemed(source, shelf))
                    .map(
                        message ->
                            message.payload().length == 200
                                ? message.type().replace('c', 'p')
                                : TestChannel.text(message)));
  }

  private static Flux<Message<byte[]>> redeemed(Flux<Message<byte[]>> source, Shelf shelf) {
    return source.transform(redeem(shelf, KEYS, r -> r));
  }

  @ParameterizedTest
  @ValueSource(strings = {"claimCheck.marble", "redeem.marble"})
  void thePictureIsFresh(String script) {
    MarbleScript.verifyPicture(SCRIPTS.resolve(script));
  }
}
