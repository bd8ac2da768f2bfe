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
package dev.sluice.demo.live;

/**
 * A part of the page that is kept up to date: a bean of this type has a server-sent event of its
 * own on {@code GET /api/live}. It is sent when it has changed, and to who connects.
 */
public interface LiveSection {

  /** The name of its event: small letters and hyphens, of no other section. */
  String event();

  /**
   * What the page shows now, written as JSON: a record of bounded size, at most {@value
   * LiveFeed#LARGEST} characters of it. It is asked for four times a second, by one thread at a
   * time, which must not be blocked: whoever has to ask a database remembers the last answer.
   */
  Object view();
}
