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
package dev.sluice.demo;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Publisher;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.BaseSubscriber;

/** What the modules may know of each other, and what library code must not call. */
class ArchitectureTest {

  private static final DescribedPredicate<JavaClass> CORE = of("core");
  private static final DescribedPredicate<JavaClass> OPERATORS = of("operators");
  private static final DescribedPredicate<JavaClass> CONNECTORS =
      of("memory", "kafka", "postgres", "s3", "embedded", "http");

  private static final JavaClasses LIBRARY =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("dev.sluice")
          .that(DescribedPredicate.not(resideInAPackage("dev.sluice.demo..")))
          .that(DescribedPredicate.not(resideInAPackage("dev.sluice.test..")))
          .that(DescribedPredicate.not(resideInAPackage("dev.sluice.contract..")));

  /** Classes of these artifacts, wherever their packages are called what. */
  private static DescribedPredicate<JavaClass> of(String... modules) {
    Set<String> names = Set.of(modules);
    return DescribedPredicate.describe(
        "of " + String.join(", ", modules), type -> names.contains(module(type)));
  }

  /** The last part of the name of the artifact: of its folder, or of its jar. */
  private static String module(JavaClass type) {
    String place = type.getSource().map(source -> artifact(source.getUri())).orElse("");
    String name =
        place.replaceFirst("/target/classes$", "").replaceFirst("-[0-9][^/]*\\.jar!$", "");
    return name.substring(name.lastIndexOf('/') + 1).replaceFirst("^sluice-", "");
  }

  @Test
  void theModulesAreFound() {
    for (DescribedPredicate<JavaClass> module : List.of(CORE, OPERATORS, CONNECTORS)) {
      assertThat(LIBRARY.that(module)).as(module.getDescription()).isNotEmpty();
    }
    for (String connector : List.of("memory", "kafka", "embedded")) {
      assertThat(LIBRARY.that(of(connector))).as(connector).isNotEmpty();
    }
  }

  @Test
  void theToolkitKnowsNobody() {
    noClasses().that(CORE).should().dependOnClassesThat(OPERATORS.or(CONNECTORS)).check(LIBRARY);
  }

  @Test
  void operatorsAndConnectorsDoNotKnowEachOther() {
    noClasses().that(OPERATORS).should().dependOnClassesThat(CONNECTORS).check(LIBRARY);
    noClasses().that(CONNECTORS).should().dependOnClassesThat(OPERATORS).check(LIBRARY);
  }

  @Test
  void noConnectorKnowsAnother() {
    slices()
        .matching("dev.sluice.(memory|kafka|postgres|s3|http|embedded)..")
        .should()
        .notDependOnEachOther()
        .check(LIBRARY);
  }

  @Test
  void packagesHaveNoCycles() {
    slices().matching("dev.sluice.(*)..").should().beFreeOfCycles().check(LIBRARY);
  }

  @Test
  void noPackageIsSplitOverTwoArtifacts() {
    Map<String, Set<String>> artifacts = new TreeMap<>();
    for (JavaClass type : LIBRARY) {
      String location =
          type.getSource().map(source -> artifact(source.getUri())).orElse("an unknown place");
      artifacts.computeIfAbsent(type.getPackageName(), name -> new TreeSet<>()).add(location);
    }
    assertThat(artifacts).isNotEmpty().allSatisfy((name, places) -> assertThat(places).hasSize(1));
  }

  private static String artifact(URI uri) {
    return uri.toString().replaceFirst("/dev/sluice/.*", "");
  }

  @Test
  void oneClassKnowsTheDiscontinuedReceiver() {
    noClasses()
        .that()
        .haveNameNotMatching("dev\\.sluice\\.kafka\\.ReactorKafkaLoop(\\$.*)?")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("reactor.kafka..")
        .check(LIBRARY);
  }

  @Test
  void everySubscriberPassesTheContextOn() {
    classes()
        .that()
        .implement(CoreSubscriber.class)
        .and()
        .areNotInterfaces()
        .and()
        .areNotAssignableTo(BaseSubscriber.class) // the end of a chain, where a Context begins
        .should(
            new com.tngtech.archunit.lang.ArchCondition<>("override currentContext") {
              @Override
              public void check(JavaClass type, com.tngtech.archunit.lang.ConditionEvents events) {
                boolean overrides =
                    type.getAllMethods().stream()
                        .anyMatch(
                            method ->
                                method.getName().equals("currentContext")
                                    && !method.getOwner().isInterface());
                if (!overrides) {
                  events.add(
                      com.tngtech.archunit.lang.SimpleConditionEvent.violated(
                          type, type.getName() + " loses the Context"));
                }
              }
            })
        .check(LIBRARY);
  }

  @Test
  void libraryCodeCallsNothingThatHangsDropsOrBlocks() {
    noClasses()
        .should()
        .callMethodWhere(
            new DescribedPredicate<>("a Reactor operator that hangs, hides errors or drops") {
              @Override
              public boolean test(JavaMethodCall call) {
                boolean reactor = call.getTargetOwner().isAssignableTo(Publisher.class);
                String name = call.getName();
                return reactor
                    && (name.matches("groupBy|onErrorContinue|onBackpressureLatest")
                        || name.equals("onBackpressureDrop") // and tells nobody
                            && call.getTarget().getRawParameterTypes().isEmpty()
                        || name.matches("bufferTimeout|windowTimeout")
                            && call.getTarget().getRawParameterTypes().size() < 4);
              }
            })
        .check(LIBRARY);
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.sluice.spring") // the container's threads wait for its beans
        .should()
        .callMethodWhere(
            new DescribedPredicate<>("a Reactor operator that blocks") {
              @Override
              public boolean test(JavaMethodCall call) {
                return call.getTargetOwner().isAssignableTo(Publisher.class)
                    && call.getName()
                        .matches("block|blockFirst|blockLast|blockOptional|toIterable|toStream");
              }
            })
        .check(LIBRARY);
    noClasses().should().callMethodWhere(nameMatchingTarget("receiveAutoAck")).check(LIBRARY);
  }

  private static DescribedPredicate<JavaMethodCall> nameMatchingTarget(String name) {
    return new DescribedPredicate<>("call of " + name) {
      @Override
      public boolean test(JavaMethodCall call) {
        return nameMatching(name).test(call.getTarget());
      }
    };
  }

  @Test
  void packagesAreNamedAfterWhatTheyAre() {
    noClasses()
        .should()
        .resideInAnyPackage("..util..", "..utils..", "..impl..", "..common..", "..manager..")
        .check(LIBRARY);
  }
}
