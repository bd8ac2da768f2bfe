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
package dev.sluice.demo.bag;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.tuple;

import dev.sluice.demo.TestClock;
import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.demo.problem.FieldError;
import dev.sluice.demo.problem.Problem;
import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BagRequestTest {

  private final Departures departures = Departures.ofTheWeek();
  private final Timetable timetable = new Timetable(departures, 336, new TestClock());

  private BagRequest read(String json) {
    return BagRequest.read(json.getBytes(StandardCharsets.UTF_8), departures, timetable);
  }

  @SuppressWarnings("unchecked")
  private List<FieldError> errorsOf(String json, int status) {
    Problem problem = catchThrowableOfType(Problem.class, () -> read(json));
    assertThat(problem).as("problem").isNotNull();
    assertThat(problem.getStatusCode().value()).isEqualTo(status);
    Map<String, Object> properties = problem.getBody().getProperties();
    assertThat(properties).isNotNull();
    return (List<FieldError>) properties.get("errors");
  }

  @Nested
  class Valid {

    @Test
    void namesADay() {
      BagRequest request =
          read("{\"tag\":\"0016123456\",\"flight\":\"B6 108\",\"date\":\"2013-07-07\"}");

      assertThat(request.tag()).isEqualTo("0016123456");
      assertThat(request.departure().key()).isEqualTo("B6108-2013-07-07");
      assertThat(request.dated()).isTrue();
    }

    @Test
    void leavesTheDayToTheNextDeparture() {
      Departure daily =
          departures.inOrder().stream()
              .filter(d -> departures.find(d.flight()).size() > 1)
              .findFirst()
              .orElseThrow();

      BagRequest request =
          read("{\"tag\":\"0016123456\",\"flight\":\"" + daily.flight() + "\",\"date\":null}");

      assertThat(request.departure()).isEqualTo(daily);
      assertThat(request.dated()).isFalse();
    }
  }

  @Nested
  class Content {

    @Test
    void namesEveryMissingField() {
      assertThat(errorsOf("{}", 422))
          .extracting(FieldError::field, FieldError::detail)
          .containsExactly(
              tuple("tag", "missing (expected: 10 digits)"),
              tuple("flight", "missing (expected: a flight of the schedule, such as B6 108)"));
    }

    @ParameterizedTest
    @CsvSource({
      "12345, 12345",
      "00161234567, 00161234567",
      "001612345x, 001612345x",
      "'          ', blank",
      "'', blank",
    })
    void tellsWhatATagMustBe(String tag, String shown) {
      assertThat(errorsOf("{\"tag\":\"" + tag + "\",\"flight\":\"B6 108\"}", 422))
          .containsExactly(new FieldError("tag", shown + " (expected: 10 digits)", "10 digits"));
    }

    @Test
    void tellsOnlyTheLengthOfALongTag() {
      assertThat(errorsOf("{\"tag\":\"" + "7".repeat(300) + "\",\"flight\":\"B6 108\"}", 422))
          .extracting(FieldError::detail)
          .containsExactly("300 characters (expected: 10 digits)");
    }

    @Test
    void takesNoOtherDigits() {
      assertThat(errorsOf("{\"tag\":\"٠٠١٦١٢٣٤٥٦\",\"flight\":\"B6 108\"}", 422))
          .extracting(FieldError::field)
          .containsExactly("tag");
    }

    @ParameterizedTest
    @ValueSource(strings = {"16123456", "true", "[]", "{}", "1e9"})
    void takesOnlyTexts(String value) {
      assertThat(errorsOf("{\"tag\":" + value + ",\"flight\":\"B6 108\"}", 422))
          .extracting(FieldError::detail)
          .containsExactly("not a text (expected: 10 digits)");
    }

    @Test
    void knowsItsFlights() {
      assertThat(errorsOf("{\"tag\":\"0016123456\",\"flight\":\"XX 1\"}", 422))
          .extracting(FieldError::field, FieldError::detail)
          .containsExactly(
              tuple("flight", "XX 1 (expected: a flight of the schedule, such as B6 108)"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"2014-01-01", "yesterday", "2013-02-30"})
    void knowsTheDaysOfAFlight(String date) {
      Departure departure = departures.get(0);

      assertThat(
              errorsOf(
                  "{\"tag\":\"0016123456\",\"flight\":\""
                      + departure.flight()
                      + "\",\"date\":\""
                      + date
                      + "\"}",
                  422))
          .singleElement()
          .satisfies(
              error -> {
                assertThat(error.field()).isEqualTo("date");
                assertThat(error.detail()).startsWith(date + " (expected: a day of flight ");
                assertThat(error.expected())
                    .contains(LocalDate.from(departure.scheduled()).toString());
              });
    }

    @Test
    void refusesAFieldNobodyKnows() {
      assertThat(errorsOf("{\"tag\":\"0016123456\",\"flihgt\":\"B6 108\"}", 422))
          .extracting(FieldError::field)
          .containsExactly("body", "flight");
    }
  }

  @Nested
  class Form {

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = {
          "'{\"tag\":'|malformed JSON at line 1, column 8",
          "'{\"tag\":\"1\",\"tag\":\"2\"}'|malformed JSON at line 1, column 17",
          "'{} {}'|malformed JSON at line 1, column 4",
          "tag=0016123456|malformed JSON at line 1, column 1",
          "'[1]'|not an object",
          "'\"text\"'|not an object",
          "'null'|not an object",
          "''|empty",
          "' '|empty",
        })
    void tellsWhereItBreaks(String body, String what) {
      assertThat(errorsOf(body, 400))
          .singleElement()
          .satisfies(
              error -> {
                assertThat(error.field()).isEqualTo("body");
                assertThat(error.detail())
                    .isEqualTo(
                        what
                            + " (expected: a JSON object such as"
                            + " {\"tag\":\"0016123456\",\"flight\":\"B6 108\"})");
              });
    }

    @Test
    void survivesDeepNesting() {
      assertThat(errorsOf("[".repeat(20_000), 400)).hasSize(1);
      assertThat(errorsOf("{\"tag\":" + "[".repeat(20_000), 400)).hasSize(1);
    }
  }
}
