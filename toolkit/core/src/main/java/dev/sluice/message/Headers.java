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

import java.util.Arrays;
import java.util.Iterator;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The headers of a message: names and texts, each name once, in the order in which they were added.
 *
 * <p>Names are compared without regard to case and keep the case they were given. They are tokens
 * in the sense of RFC 9110: 1..{@value #MAX_NAME_CHARS} letters, digits and {@code
 * !#$%&'*+-.^_`|~}. A value is any well-formed Unicode text without U+0000, the empty text
 * included, of at most {@value #MAX_VALUE_BYTES} bytes of UTF-8. At most {@value #MAX_COUNT}
 * headers, with names and values of at most {@value #MAX_BYTES} bytes in all. Whatever breaks a
 * limit is refused with an {@link IllegalArgumentException} that names the header and never repeats
 * its value.
 *
 * <p>Two kinds of names are not for applications. The fields of a {@link Message} travel under
 * names of their own ({@code ce_id}, {@code ce_type}, {@code content-type}, … see {@link
 * WireFormat}) and are never headers. Names that begin with {@value #RESERVED_PREFIX} are the
 * toolkit's marks: readable like any other header, set only by {@link #withReserved}, and not
 * counted against the limits, so that there is always room for a mark.
 *
 * <p>Headers are immutable and thread-safe. Two are equal if they hold the same names, ignoring
 * case, with the same values, in whatever order.
 */
public final class Headers implements Iterable<Map.Entry<String, String>> {

  /** What the names of the toolkit's own headers begin with. */
  public static final String RESERVED_PREFIX = "sl-";

  /** Longest name, in characters. */
  public static final int MAX_NAME_CHARS = 256;

  /** Longest value, in bytes of UTF-8. */
  public static final int MAX_VALUE_BYTES = 8 * 1024;

  /** Most headers of one message. */
  public static final int MAX_COUNT = 128;

  /** Most bytes that the names and values of one message take in all, in UTF-8. */
  public static final int MAX_BYTES = 64 * 1024;

  private static final Headers EMPTY = new Headers(new String[0]);

  final String[] pairs; // name at 2i, value at 2i + 1; never written after construction

  Headers(String[] pairs) {
    this.pairs = pairs;
  }

  /** No headers. */
  public static Headers empty() {
    return EMPTY;
  }

  /**
   * Headers with the entries of a map, in its order.
   *
   * @param entries names and values; of names that differ only by case the last one wins
   * @throws IllegalArgumentException if a name or value is refused, or a limit is passed
   */
  public static Headers of(Map<String, String> entries) {
    HeaderAssembly assembly = new HeaderAssembly(EMPTY);
    entries.forEach((name, value) -> put(assembly, requireOwn(name), value));
    return assembly.build();
  }

  /** The value of the header with this name, ignoring case; {@code null} if there is none. */
  public @Nullable String get(String name) {
    int at = indexOf(pairs, pairs.length, name);
    return at < 0 ? null : pairs[at + 1];
  }

  /** Whether there is a header with this name, ignoring case. */
  public boolean contains(String name) {
    return indexOf(pairs, pairs.length, name) >= 0;
  }

  /** The number of headers, the reserved ones included. */
  public int size() {
    return pairs.length / 2;
  }

  /** Whether there are no headers. */
  public boolean isEmpty() {
    return pairs.length == 0;
  }

  /**
   * These headers with one more, or with another value for a name that is there; it keeps its
   * place.
   *
   * @throws IllegalArgumentException if the name or value is refused, the name is reserved or that
   *     of a message field, or a limit is passed
   */
  public Headers with(String name, String value) {
    return put(requireOwn(name), value);
  }

  /**
   * These headers with a mark of the toolkit. For connectors and operators, not for applications:
   * readers act on these names.
   *
   * @param name a name that begins with {@value #RESERVED_PREFIX} and is not that of a message
   *     field
   * @throws IllegalArgumentException if the name or value is refused
   */
  public Headers withReserved(String name, String value) {
    if (!isReserved(name)) {
      throw new IllegalArgumentException(
          "header " + name + ": not reserved (expected: a name that begins with sl-)");
    }
    return put(requireNoAttribute(name), value);
  }

  /** These headers without the one of this name, ignoring case; reserved names can be removed. */
  public Headers without(String name) {
    int at = indexOf(pairs, pairs.length, name);
    if (at < 0) {
      return this;
    }
    if (pairs.length == 2) {
      return EMPTY;
    }
    String[] rest = new String[pairs.length - 2];
    System.arraycopy(pairs, 0, rest, 0, at);
    System.arraycopy(pairs, at + 2, rest, at, rest.length - at);
    return new Headers(rest);
  }

  /** Passes each name and value, in order, without making entries of them. */
  public void forEach(BiConsumer<? super String, ? super String> action) {
    for (int i = 0; i < pairs.length; i += 2) {
      action.accept(pairs[i], pairs[i + 1]);
    }
  }

  /** The headers in order, as entries that cannot be changed. */
  @Override
  public Iterator<Map.Entry<String, String>> iterator() {
    return new Iterator<>() {
      private int next;

      @Override
      public boolean hasNext() {
        return next < pairs.length;
      }

      @Override
      public Map.Entry<String, String> next() {
        if (next >= pairs.length) {
          throw new NoSuchElementException();
        }
        Map.Entry<String, String> entry = Map.entry(pairs[next], pairs[next + 1]);
        next += 2;
        return entry;
      }
    };
  }

  @Override
  public boolean equals(@Nullable Object other) {
    if (this == other) {
      return true;
    }
    if (!(other instanceof Headers that) || that.pairs.length != pairs.length) {
      return false;
    }
    for (int i = 0; i < pairs.length; i += 2) {
      if (!pairs[i + 1].equals(that.get(pairs[i]))) {
        return false;
      }
    }
    return true;
  }

  @Override
  public int hashCode() {
    int hash = 0;
    for (int i = 0; i < pairs.length; i += 2) {
      hash += pairs[i].toLowerCase(Locale.ROOT).hashCode() ^ pairs[i + 1].hashCode();
    }
    return hash;
  }

  /** The names in order; values may be secrets and are not shown. */
  @Override
  public String toString() {
    StringBuilder names = new StringBuilder("Headers[");
    for (int i = 0; i < pairs.length; i += 2) {
      names.append(i == 0 ? "" : ", ").append(pairs[i]);
    }
    return names.append(']').toString();
  }

  /** These headers without the reserved ones. */
  Headers ordinary() {
    String[] kept = new String[pairs.length];
    int length = 0;
    for (int i = 0; i < pairs.length; i += 2) {
      if (!isReserved(pairs[i])) {
        kept[length++] = pairs[i];
        kept[length++] = pairs[i + 1];
      }
    }
    return length == pairs.length
        ? this
        : length == 0 ? EMPTY : new Headers(Arrays.copyOf(kept, length));
  }

  /** Those of these headers that the others have too, with the same values. */
  Headers retain(Headers others) {
    Headers kept = this;
    for (int i = 0; i < pairs.length; i += 2) {
      if (!pairs[i + 1].equals(others.get(pairs[i]))) {
        kept = kept.without(pairs[i]);
      }
    }
    return kept;
  }

  static boolean isReserved(String name) {
    return name.regionMatches(true, 0, RESERVED_PREFIX, 0, RESERVED_PREFIX.length());
  }

  static int indexOf(String[] pairs, int length, String name) {
    for (int i = 0; i < length; i += 2) {
      if (pairs[i].equalsIgnoreCase(name)) {
        return i;
      }
    }
    return -1;
  }

  private Headers put(String name, String value) {
    HeaderAssembly assembly = new HeaderAssembly(this);
    put(assembly, name, value);
    return assembly.build();
  }

  private static void put(HeaderAssembly assembly, String name, String value) {
    String flaw = assembly.put(name, Objects.requireNonNull(value, "value"));
    if (flaw != null) {
      throw new IllegalArgumentException("header " + name + ": " + flaw);
    }
  }

  private static String requireOwn(String name) {
    if (isReserved(name)) {
      throw new IllegalArgumentException(
          "header " + name + ": reserved (expected: a name that does not begin with sl-)");
    }
    return requireNoAttribute(name);
  }

  private static String requireNoAttribute(String name) {
    if (Attributes.isAttribute(name)) {
      throw new IllegalArgumentException(
          "header " + name + ": a field of the message (expected: a name of your own)");
    }
    return name;
  }
}
