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
package dev.sluice.demo.browser;

import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Page;
import dev.sluice.demo.browser.Airport.Look;
import dev.sluice.demo.browser.Airport.Visit;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * A test class that looks at the demo in a browser. Its methods may ask for the {@link Airport},
 * which is started once for all classes, and for a {@link Page}, on which nothing may go wrong: an
 * error on its console fails the test. Whatever the class breaks on purpose it has to mend; after a
 * test that has failed everything is. What the page looked like when a test failed is in {@code
 * target/screenshots}. Without a Chromium the class is skipped.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(InBrowser.Extension.class)
@interface InBrowser {

  /** Finds the browser, starts what is not started, and looks for errors after each test. */
  final class Extension
      implements ExecutionCondition, ParameterResolver, AfterEachCallback, AfterAllCallback {

    private static final Namespace OURS = Namespace.create(InBrowser.class);

    private static final String USUAL_PLACE = "/usr/bin/chromium";

    private static final String DRIVER = "/driver/linux/node";

    private static Path chromium() {
      return Path.of(Objects.requireNonNullElse(System.getenv("CHROMIUM"), USUAL_PLACE));
    }

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      if (!Files.isExecutable(chromium())) {
        return skipped(
            context,
            "no Chromium at "
                + chromium()
                + ", so nobody looks at the page: apt-get install chromium, or name one with the"
                + " environment variable CHROMIUM");
      }
      if (InBrowser.class.getResource(DRIVER) == null) {
        return skipped(
            context,
            "no driver of the browser: it comes where there is a Chromium at /usr/bin/chromium, or"
                + " with -Pbrowser");
      }
      return ConditionEvaluationResult.enabled("Chromium is " + chromium());
    }

    private static ConditionEvaluationResult skipped(ExtensionContext context, String reason) {
      if (context.getTestMethod().isEmpty()) {
        System.err.println("Skipped " + context.getDisplayName() + ": " + reason);
      }
      return ConditionEvaluationResult.disabled(reason);
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
      Class<?> type = parameter.getParameter().getType();
      return type == Airport.class || type == Page.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
      Airport airport =
          context
              .getRoot()
              .getStore(OURS)
              .computeIfAbsent("airport", key -> Airport.start(chromium()), Airport.class);
      if (parameter.getParameter().getType() == Airport.class) {
        return airport;
      }
      Visit visit =
          context
              .getStore(OURS)
              .computeIfAbsent("visit", key -> airport.visit(Look.USUAL), Visit.class);
      return Objects.requireNonNull(visit).page();
    }

    /** The one that runs, if one was started. */
    private static Optional<Airport> airport(ExtensionContext context) {
      return Optional.ofNullable(context.getRoot().getStore(OURS).get("airport", Airport.class));
    }

    @Override
    public void afterEach(ExtensionContext context) {
      try {
        leave(context);
      } finally {
        if (context.getExecutionException().isPresent()) {
          airport(context).ifPresent(Airport::mend);
        }
      }
    }

    private static void leave(ExtensionContext context) {
      Visit visit = context.getStore(OURS).remove("visit", Visit.class);
      if (visit == null) {
        return;
      }
      try (visit) {
        if (context.getExecutionException().isPresent()) {
          visit
              .unanswered()
              .forEach(request -> System.err.println("Not answered: " + request.url()));
          Airport.picture(
              visit.page(),
              "failed-"
                  + context.getRequiredTestClass().getSimpleName()
                  + "-"
                  + context.getRequiredTestMethod().getName());
        }
        assertThat(visit.errors()).as("errors on the console").isEmpty();
      }
    }

    @Override
    public void afterAll(ExtensionContext context) {
      airport(context).ifPresent(airport -> nothingIsBroken(airport, context));
    }

    private static void nothingIsBroken(Airport airport, ExtensionContext context) {
      List<String> broken = airport.broken();
      if (!broken.isEmpty()) {
        airport.mend(); // it is this class that fails, and no other
      }
      assertThat(broken).as("left broken by " + context.getDisplayName()).isEmpty();
    }
  }
}
