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
package dev.sluice.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.store.StoreFailed;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import reactor.test.StepVerifier;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.model.GetBucketLifecycleConfigurationResponse;
import software.amazon.awssdk.services.s3.model.LifecycleRule;
import software.amazon.awssdk.services.s3.model.PutBucketLifecycleConfigurationRequest;
import software.amazon.awssdk.services.s3.model.PutBucketLifecycleConfigurationResponse;
import software.amazon.awssdk.services.s3.model.S3Exception;

/**
 * The servers that tests can start know no such rules, so the client is one that remembers them.
 */
class LifecycleTest {

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final List<LifecycleRule> rules = new ArrayList<>();
  private int puts;
  private final S3AsyncClient client =
      (S3AsyncClient)
          Proxy.newProxyInstance(
              getClass().getClassLoader(),
              new Class<?>[] {S3AsyncClient.class},
              (proxy, method, args) ->
                  switch (method.getName()) {
                    case "getBucketLifecycleConfiguration" -> get();
                    case "putBucketLifecycleConfiguration" -> put(args[0]);
                    default -> throw new UnsupportedOperationException(method.getName());
                  });

  private final S3PayloadStore store =
      S3PayloadStore.create("images", "bucket", client, s -> s.prefix("a/claims"));

  private CompletableFuture<GetBucketLifecycleConfigurationResponse> get() {
    return rules.isEmpty()
        ? CompletableFuture.failedFuture(
            S3Exception.builder()
                .statusCode(404)
                .awsErrorDetails(
                    AwsErrorDetails.builder().errorCode("NoSuchLifecycleConfiguration").build())
                .build())
        : CompletableFuture.completedFuture(
            GetBucketLifecycleConfigurationResponse.builder().rules(rules).build());
  }

  private CompletableFuture<PutBucketLifecycleConfigurationResponse> put(Object change) {
    puts++;
    PutBucketLifecycleConfigurationRequest.Builder request =
        PutBucketLifecycleConfigurationRequest.builder();
    @SuppressWarnings("unchecked")
    Consumer<PutBucketLifecycleConfigurationRequest.Builder> put =
        (Consumer<PutBucketLifecycleConfigurationRequest.Builder>) change;
    put.accept(request);
    rules.clear();
    rules.addAll(request.build().lifecycleConfiguration().rules());
    return CompletableFuture.completedFuture(
        PutBucketLifecycleConfigurationResponse.builder().build());
  }

  private void ensure(Duration longestTtl) {
    StepVerifier.create(store.ensureLifecycle(longestTtl)).expectComplete().verify(PATIENCE);
  }

  @Test
  void expiresWhatIsLeftADayAfterTheLongestClaim() {
    ensure(Duration.ofDays(14));
    assertThat(rules)
        .singleElement()
        .satisfies(
            rule -> {
              assertThat(rule.filter().prefix()).isEqualTo("a/claims/");
              assertThat(rule.expiration().days()).isEqualTo(15);
              assertThat(rule.abortIncompleteMultipartUpload().daysAfterInitiation()).isEqualTo(1);
              assertThat(rule.statusAsString()).isEqualTo("Enabled");
            });
    ensure(Duration.ofDays(14).plusSeconds(1));
    assertThat(rules)
        .singleElement()
        .satisfies(r -> assertThat(r.expiration().days()).isEqualTo(16));
  }

  @Test
  void leavesTheRulesOfOthersAndIsPutOnce() {
    LifecycleRule theirs = LifecycleRule.builder().id("theirs").status("Enabled").build();
    rules.add(theirs);
    ensure(Duration.ofHours(1));
    ensure(Duration.ofHours(1));
    assertThat(rules).hasSize(2).contains(theirs);
    assertThat(puts).isEqualTo(1);
  }

  @Test
  void aServerThatKnowsNoRulesIsAnErrorForGood() {
    StepVerifier.create(Bench.store(Bench.client(), s -> s).ensureLifecycle(Duration.ofDays(1)))
        .expectErrorSatisfies(
            error ->
                assertThat(error)
                    .isInstanceOfSatisfying(
                        StoreFailed.class, failed -> assertThat(failed.isTemporary()).isFalse()))
        .verify(PATIENCE);
  }

  @Test
  void theTimeIsInRange() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store.ensureLifecycle(Duration.ZERO))
        .withMessage("longestTtl: PT0S (expected: PT1S..PT87600H)");
  }
}
