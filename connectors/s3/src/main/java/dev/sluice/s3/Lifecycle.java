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

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import reactor.core.Exceptions;
import reactor.core.publisher.Mono;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.model.ExpirationStatus;
import software.amazon.awssdk.services.s3.model.LifecycleRule;

/** The rule by which S3 itself removes what is left under a prefix, in whole days. */
final class Lifecycle {

  private static final int UNFINISHED_DAYS = 1;

  private final S3AsyncClient client;
  private final String bucket;
  private final LifecycleRule rule;

  Lifecycle(S3AsyncClient client, String bucket, String prefix, Duration longestTtl) {
    this.client = client;
    this.bucket = bucket;
    this.rule =
        LifecycleRule.builder()
            .id("sluice " + prefix)
            .status(ExpirationStatus.ENABLED)
            .filter(filter -> filter.prefix(prefix + '/'))
            .expiration(expiration -> expiration.days(days(longestTtl)))
            .abortIncompleteMultipartUpload(abort -> abort.daysAfterInitiation(UNFINISHED_DAYS))
            .build();
  }

  /** Rounded up, and one more: neither our clock nor the rounding of S3 may take a day away. */
  private static int days(Duration longestTtl) {
    return Math.toIntExact(longestTtl.plusDays(2).minusNanos(1).toDays());
  }

  /** Puts the rule beside those that are there; without effect if it is there. */
  Mono<Void> ensure() {
    return rules()
        .flatMap(
            rules -> {
              if (rules.contains(rule)) {
                return Mono.empty();
              }
              List<LifecycleRule> all = new ArrayList<>(rules);
              all.removeIf(other -> rule.id().equals(other.id()));
              all.add(rule);
              return Mono.fromFuture(
                  () ->
                      client.putBucketLifecycleConfiguration(
                          put -> put.bucket(bucket).lifecycleConfiguration(c -> c.rules(all))));
            })
        .then();
  }

  private Mono<List<LifecycleRule>> rules() {
    return Mono.fromFuture(() -> client.getBucketLifecycleConfiguration(get -> get.bucket(bucket)))
        .map(response -> response.rules())
        .onErrorResume(Lifecycle::hasNone, error -> Mono.just(List.of()));
  }

  private static boolean hasNone(Throwable error) {
    return Exceptions.unwrap(error) instanceof AwsServiceException service
        && service.awsErrorDetails() != null
        && "NoSuchLifecycleConfiguration".equals(service.awsErrorDetails().errorCode());
  }
}
