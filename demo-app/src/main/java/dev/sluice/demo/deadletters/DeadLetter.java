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
package dev.sluice.demo.deadletters;

import java.time.Instant;

/**
 * A record that could not be loaded.
 *
 * @param record where it was: topic, partition and offset
 * @param reason the kind of trouble
 * @param detail what failed
 * @param at when it was dead-lettered
 * @param preview the beginning of its bytes as text
 */
public record DeadLetter(String record, String reason, String detail, Instant at, String preview) {}
