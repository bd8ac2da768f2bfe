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
package dev.sluice.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.publisher.Flux;

class ProxiesTest {

  private final Proxies proxies =
      new Proxies(
          List.of(AddressRange.of("test", "10.0.0.0/8"), AddressRange.of("test", "2001:db8::/32")));

  private String base(String peer, Map<String, String> headers) {
    return proxies.base(
        new OperationCall(
            "GET",
            "/a",
            "",
            name -> headers.containsKey(name) ? List.of(headers.get(name)) : List.of(),
            "alice",
            AddressRange.literal(peer),
            Flux.empty()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      value = {
        "10.1.2.3    | proto=https;host=api.example                            | https://api.example",
        "10.1.2.3    | for=1.2.3.4;Proto=HTTPS;Host=\"api.example:8443\"       | https://api.example:8443",
        "2001:db8::7 | proto=http;host=\"[2001:db8::1]:80\"                    | http://[2001:db8::1]:80",
        // two proxies, both trusted: the outer one knows what the client has asked for
        "10.1.2.3 | for=1.2.3.4;proto=https;host=outer.example, for=10.9.9.9;proto=http;host=inner.example | https://outer.example",
        // the outer one is not trusted, or a client has written its element
        "10.1.2.3 | proto=https;host=evil.example, for=1.2.3.4;proto=https;host=api.example | https://api.example",
        "10.1.2.3 | proto=https;host=evil.example, for=unknown;proto=https;host=api.example | https://api.example",
        "10.1.2.3 | host=evil.example;proto=https, for=\"_hidden\"                          | ''",
        "10.1.2.3 | for=\"[2001:db8::9]:1\";proto=http;host=a.example                       | http://a.example",
        // not trusted, or not to be understood
        "1.2.3.4  | proto=https;host=evil.example             | ''",
        "-        | proto=https;host=evil.example             | ''",
        "10.1.2.3 | host=api.example                          | ''",
        "10.1.2.3 | proto=javascript;host=api.example         | ''",
        "10.1.2.3 | proto=https;host=\"evil.example/path\"    | ''",
        "10.1.2.3 | proto=https;host=\"user@evil.example\"    | ''",
        "10.1.2.3 | proto=https host=api.example              | ''",
        "10.1.2.3 | proto=https;host=\"unclosed               | ''",
      })
  void believesWhomItTrusts(String peer, String forwarded, String base) {
    assertThat(
            peer == null
                ? base("", Map.of("Forwarded", forwarded))
                : base(peer, Map.of("Forwarded", forwarded)))
        .isEqualTo(base);
  }

  @Test
  void readsAPrefixThatIsOne() {
    assertThat(base("10.1.2.3", Map.of("X-Forwarded-Prefix", "/v1/api"))).isEqualTo("/v1/api");
    for (String odd :
        List.of("v1", "/v1/", "//evil.example", "/a\\b", "/a b", "/" + "a".repeat(201))) {
      assertThat(base("10.1.2.3", Map.of("X-Forwarded-Prefix", odd))).as(odd).isEmpty();
    }
    assertThat(base("1.2.3.4", Map.of("X-Forwarded-Prefix", "/v1"))).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "10.0.0.0/8, 10.255.0.1, true", "10.0.0.0/8, 11.0.0.0, false",
    "172.16.0.0/12, 172.31.255.255, true", "172.16.0.0/12, 172.32.0.0, false",
    "192.0.2.1, 192.0.2.1, true", "192.0.2.1, 192.0.2.2, false",
    "0.0.0.0/0, 1.2.3.4, true", "0.0.0.0/0, ::1, false",
    "fc00::/7, fd12::1, true", "fc00::/7, fe80::1, false"
  })
  void knowsItsRanges(String range, String address, boolean contained) {
    assertThat(AddressRange.of("test", range).contains(AddressRange.literal(address)))
        .isEqualTo(contained);
  }
}
