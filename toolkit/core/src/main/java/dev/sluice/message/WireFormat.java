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
package dev.sluice.message;

import java.time.Instant;
import java.util.Map;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * How a message travels: its payload as the body, everything else as named texts beside it.
 *
 * <p>This is the binary mode of CloudEvents 1.0, so that others can read our messages and we
 * theirs. Connectors put the texts where their technology has room for them (record headers, HTTP
 * headers, a column).
 *
 * <table>
 *   <caption>Names on the wire</caption>
 *   <thead>
 *     <tr><th>Name</th><th>Carries</th><th>If it is missing</th></tr>
 *   </thead>
 *   <tbody>
 *     <tr><td>{@code ce_specversion}</td><td>{@code 1.0}</td><td>nothing</td></tr>
 *     <tr><td>{@code ce_id}</td><td>id</td><td>{@link Fallback#id()}</td></tr>
 *     <tr><td>{@code ce_source}</td><td>the header of this name, else {@value
 *     #DEFAULT_SOURCE}</td><td>nothing</td></tr>
 *     <tr><td>{@code ce_type}</td><td>type</td><td>{@value Message#DEFAULT_TYPE}</td></tr>
 *     <tr><td>{@code ce_time}</td><td>created at, RFC 3339</td><td>{@link Fallback#time()}</td></tr>
 *     <tr><td>{@code ce_partitionkey}</td><td>group</td><td>{@link Fallback#group()}</td></tr>
 *     <tr><td>{@code content-type}</td><td>content type</td><td>{@value
 *     Message#DEFAULT_CONTENT_TYPE}</td></tr>
 *     <tr><td>{@code sl-priority}</td><td>priority, 0..9</td><td>4</td></tr>
 *     <tr><td>{@code sl-correlation}, {@code sl-causation}</td><td>ids of the conversation and of the
 *     cause</td><td>none</td></tr>
 *     <tr><td>{@code sl-reply-to}, {@code sl-reply-token}</td><td>reply channel and
 *     token</td><td>none</td></tr>
 *     <tr><td>{@code sl-expires}</td><td>expires at, RFC 3339</td><td>never</td></tr>
 *     <tr><td>any other</td><td>a header</td><td>nothing</td></tr>
 *   </tbody>
 * </table>
 *
 * <p>What {@link #write} wrote, {@link #read} reads back as an equal message. Names are read
 * without regard to case. Thread-safe; synchronous CPU work.
 */
public final class WireFormat {

  /**
   * The header that names, separated by commas, what was not readable when the message came in;
   * absent if everything was.
   */
  public static final String MALFORMED = "sl-malformed";

  /** The CloudEvents source of a message without a {@code ce_source} header. */
  public static final String DEFAULT_SOURCE = "/sluice";

  static final String SOURCE = "ce_source";
  static final String VERSION = "1.0";

  private WireFormat() {}

  /**
   * What a connector knows about a message that does not say it itself.
   *
   * <p>Each method is called at most once for a message, and only if it is needed.
   */
  public interface Fallback {

    /**
     * The id of a message that has none: the same one for every delivery of the same message, hence
     * {@linkplain MessageIds#derived derived} from its position.
     */
    String id();

    /** When the message came into being, as far as the transport knows. */
    Instant time();

    /** The key under which the transport keeps order; {@code null} if there is none. */
    default @Nullable String group() {
      return null;
    }
  }

  /**
   * Passes the name and value of everything but the payload, each name once.
   *
   * <p>Values may hold any character but U+0000. A transport that takes only some of them, such as
   * HTTP, encodes them on the way out and decodes them on the way in.
   *
   * @param message a message whose payload is the body
   * @param header takes a name and a value
   */
  public static void write(
      Message<byte[]> message, BiConsumer<? super String, ? super String> header) {
    Headers headers = message.headers();
    header.accept(Attributes.SPEC_VERSION, VERSION);
    header.accept(Attributes.ID, message.id());
    if (!headers.contains(SOURCE)) {
      header.accept(SOURCE, DEFAULT_SOURCE);
    }
    header.accept(Attributes.TYPE, message.type());
    header.accept(Attributes.TIME, message.createdAt().toString());
    writeIfPresent(Attributes.GROUP, message.group(), header);
    header.accept(Attributes.CONTENT_TYPE, message.contentType());
    if (message.priority() != Message.DEFAULT_PRIORITY) {
      header.accept(Attributes.PRIORITY, Integer.toString(message.priority()));
    }
    writeIfPresent(Attributes.CORRELATION, message.correlationId(), header);
    writeIfPresent(Attributes.CAUSATION, message.causationId(), header);
    ReplyTo replyTo = message.replyTo();
    if (replyTo != null) {
      header.accept(Attributes.REPLY_TO, replyTo.channel());
      writeIfPresent(Attributes.REPLY_TOKEN, replyTo.token(), header);
    }
    writeIfPresent(Attributes.EXPIRES, message.expiresAt(), header);
    headers.forEach(header);
  }

  /**
   * The message that came in. Whatever a stranger sends, there is one: this never fails because of
   * what is in the headers.
   *
   * <p>What cannot be taken as it is, is replaced by the least harmful thing, and its name is
   * listed in the header {@value #MALFORMED}:
   *
   * <ul>
   *   <li>an id or group that breaks the limits of {@link Message} becomes a UUID {@linkplain
   *       MessageIds#derived derived} from it, so that duplicates are still recognised and order is
   *       still kept; a blank id counts as missing
   *   <li>a priority out of range becomes the nearest one
   *   <li>anything else counts as missing
   *   <li>of several values of one name the last one counts
   *   <li>a header that breaks the limits of {@link Headers}, alone or together with those before
   *       it, is dropped, and of reserved names at most 32 with 16 KiB are kept
   * </ul>
   *
   * @param body the payload; not copied
   * @param headers names and values in the order in which they came; {@code null} stands for a
   *     value that is no text, such as bytes that are not UTF-8
   * @param fallback answers for what is missing
   */
  public static Message<byte[]> read(
      byte[] body,
      Iterable<? extends Map.Entry<String, ? extends @Nullable String>> headers,
      Fallback fallback) {
    WireReading reading = new WireReading(fallback);
    for (Map.Entry<String, ? extends @Nullable String> header : headers) {
      reading.take(header.getKey(), header.getValue());
    }
    return reading.message(body);
  }

  private static void writeIfPresent(
      String name, @Nullable Object value, BiConsumer<? super String, ? super String> header) {
    if (value != null) {
      header.accept(name, value.toString());
    }
  }
}
