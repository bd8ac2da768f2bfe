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
package dev.sluice.demo.backends;

import java.net.URI;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * How to reach S3; what is missing is found where the AWS SDK finds it.
 *
 * @param endpoint its address, whose buckets are addressed by path; without it that of AWS
 * @param accessKey who asks
 * @param secretKey the secret that belongs to it
 * @param region where the bucket is
 */
@ConfigurationProperties("demo.s3")
record S3Properties(
    @Nullable URI endpoint,
    @Nullable String accessKey,
    @Nullable String secretKey,
    @DefaultValue("us-east-1") String region) {

  @Override
  public String toString() {
    return "S3[endpoint=" + endpoint + ", region=" + region + ']'; // no secret
  }
}
