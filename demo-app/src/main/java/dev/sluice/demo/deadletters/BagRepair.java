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

import dev.sluice.codec.JacksonCodec;
import dev.sluice.demo.Topics;
import dev.sluice.demo.bag.Bag;
import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.ledger.Ledger;
import dev.sluice.demo.ledger.Ledger.BagView;
import dev.sluice.demo.ledger.Stage;
import dev.sluice.demo.problem.FieldError;
import dev.sluice.demo.problem.Problem;
import dev.sluice.message.Message;
import java.time.Clock;
import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Makes a bag of a record that is none, from what it tells and what a person adds. */
final class BagRepair {

  private static final String CHECKED_IN = "bag.checked-in";
  private static final String TAG = "10 digits";
  private static final String FLIGHT = "a flight of the schedule, such as B6 108";
  private static final String DATE = "a day of that flight, such as 2013-07-11";

  private final Ledger ledger;
  private final Departures departures;
  private final Clock clock;
  private final JacksonCodec<Bag> codec = JacksonCodec.json(Bag.class);

  BagRepair(Ledger ledger, Departures departures, Clock clock) {
    this.ledger = ledger;
    this.departures = departures;
    this.clock = clock;
  }

  /**
   * What a record tells of its bag; what it does not tell is null.
   *
   * @param tag as it is there, ten digits or not
   */
  record Told(@Nullable String tag, @Nullable String flight, @Nullable String date) {}

  /** What can be read of it. */
  static Told told(byte[] body) {
    JsonNode bag;
    try {
      bag = JsonMapper.shared().readTree(body);
    } catch (JacksonException e) {
      return new Told(null, null, null);
    }
    return new Told(text(bag, "tag"), text(bag, "flight"), text(bag, "date"));
  }

  private static @Nullable String text(JsonNode bag, String field) {
    JsonNode value = bag.path(field);
    return value.isString() ? value.stringValue() : null;
  }

  /**
   * The record with what a person says in the place of what it told: as a bag, if it was to be
   * loaded; else what it is, as somebody else is going to read it.
   *
   * @param channel where it comes from
   * @throws Problem 422 that names each field that is missing or wrong, 409 if the tag is in use
   */
  Message<byte[]> repaired(String channel, Message<byte[]> record, Told said) {
    return channel.equals(Topics.CHECKED_IN) ? repaired(record, said) : changed(record, said);
  }

  private Message<byte[]> changed(Message<byte[]> record, Told said) {
    List<FieldError> errors = new ArrayList<>();
    if (said.tag() != null && !Bag.isTag(said.tag())) {
      errors.add(FieldError.was("tag", said.tag(), TAG));
    }
    if (said.flight() != null && departures.find(said.flight()).isEmpty()) {
      errors.add(FieldError.was("flight", said.flight(), FLIGHT));
    }
    if (said.date() != null && !isDay(said.date())) {
      errors.add(FieldError.was("date", said.date(), DATE));
    }
    ObjectNode object = object(record.payload());
    if (object == null) {
      errors.add(FieldError.of("record", "no JSON object", "one that is sent back as it is"));
    }
    if (!errors.isEmpty() || object == null) {
      throw Problem.unprocessable(errors);
    }
    put(object, "tag", said.tag());
    put(object, "flight", said.flight());
    put(object, "date", said.date());
    return record.withPayload(JsonMapper.shared().writeValueAsBytes(object), record.contentType());
  }

  private static boolean isDay(String date) {
    try {
      LocalDate.parse(date);
      return true;
    } catch (DateTimeParseException e) {
      return false;
    }
  }

  private static @Nullable ObjectNode object(byte[] body) {
    try {
      return JsonMapper.shared().readTree(body) instanceof ObjectNode object ? object : null;
    } catch (JacksonException e) {
      return null;
    }
  }

  private static void put(ObjectNode object, String field, @Nullable String value) {
    if (value != null) {
      object.put(field, value);
    }
  }

  /** The record as a bag, with what a person says in the place of what it told. */
  private Message<byte[]> repaired(Message<byte[]> record, Told said) {
    Told told = told(record.payload());
    String tag = said.tag() == null ? told.tag() : said.tag();
    String flight = said.flight() == null ? told.flight() : said.flight();
    String date = said.date() == null ? told.date() : said.date();
    List<FieldError> errors = new ArrayList<>();
    if (tag == null) {
      errors.add(FieldError.missing("tag", TAG));
    } else if (!Bag.isTag(tag)) {
      errors.add(FieldError.was("tag", tag, TAG));
    }
    Departure departure = departure(flight, date, errors);
    if (!errors.isEmpty() || tag == null || departure == null) {
      throw Problem.unprocessable(errors);
    }
    BagView there = ledger.find(tag);
    if (there != null && there.stage() != Stage.DEAD_LETTERED) {
      throw Problem.conflict(
          FieldError.of(
              "tag",
              "it is on a bag of " + there.flight() + ", " + there.date(),
              "a tag that is not in use"));
    }
    return bag(record, tag, departure);
  }

  private @Nullable Departure departure(
      @Nullable String flight, @Nullable String date, List<FieldError> errors) {
    if (flight == null) {
      errors.add(FieldError.missing("flight", FLIGHT));
    } else if (departures.find(flight).isEmpty()) {
      errors.add(FieldError.was("flight", flight, FLIGHT));
    }
    if (date == null) {
      errors.add(FieldError.missing("date", DATE));
    }
    if (flight == null || date == null || !errors.isEmpty()) {
      return null;
    }
    Departure departure = find(flight, date);
    if (departure == null) {
      errors.add(FieldError.was("date", date, DATE));
    }
    return departure;
  }

  private @Nullable Departure find(String flight, String date) {
    try {
      return departures.find(flight, LocalDate.parse(date));
    } catch (DateTimeParseException e) {
      return null;
    }
  }

  /**
   * The record as a bag with a new tag, if it was to be loaded and its flight can be told; else as
   * it is.
   */
  Message<byte[]> retagged(Message<byte[]> record) {
    if (!record.type().equals(CHECKED_IN) && !record.type().equals(Message.DEFAULT_TYPE)) {
      return record; // nobody was going to load it
    }
    Told told = told(record.payload());
    String flight = told.flight();
    String date = told.date();
    Departure departure = flight == null || date == null ? null : find(flight, date);
    return departure == null ? record : bag(record, newTag(), departure);
  }

  /** Tags that begin with 99 are printed at the desk. */
  private String newTag() {
    while (true) {
      String tag = "99%08d".formatted(ThreadLocalRandom.current().nextInt(100_000_000));
      if (ledger.find(tag) == null) {
        return tag;
      }
    }
  }

  /** It goes behind the bags of its flight that are checked in already. */
  private Message<byte[]> bag(Message<byte[]> record, String tag, Departure departure) {
    Bag bag =
        new Bag(
            tag,
            departure.flight(),
            departure.date(),
            ledger.nextSequence(departure),
            clock.instant());
    return record
        .withType(CHECKED_IN)
        .withGroup(departure.key())
        .withPayload(codec.encode(record.withPayload(bag)), codec.contentType());
  }
}
