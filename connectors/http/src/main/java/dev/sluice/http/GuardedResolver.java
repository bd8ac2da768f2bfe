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

import io.netty.resolver.AbstractAddressResolver;
import io.netty.resolver.AddressResolver;
import io.netty.resolver.AddressResolverGroup;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Promise;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.function.Function;
import reactor.core.publisher.Mono;

/**
 * Finds the addresses of a name, once for each connection, and hands them over only if all of them
 * are allowed. The connection is made to one of these, so it does not matter what the name means a
 * moment later.
 */
final class GuardedResolver extends AddressResolverGroup<InetSocketAddress> {

  private final Function<String, Mono<List<InetAddress>>> names;
  private final PublicAddresses allowed;

  GuardedResolver(Function<String, Mono<List<InetAddress>>> names, PublicAddresses allowed) {
    this.names = names;
    this.allowed = allowed;
  }

  @Override
  protected AddressResolver<InetSocketAddress> newResolver(EventExecutor executor) {
    return new Guarded(executor);
  }

  private final class Guarded extends AbstractAddressResolver<InetSocketAddress> {

    Guarded(EventExecutor executor) {
      super(executor, InetSocketAddress.class);
    }

    /** Never, so that an address that was written as one is looked at too. */
    @Override
    protected boolean doIsResolved(InetSocketAddress address) {
      return false;
    }

    @Override
    protected void doResolve(InetSocketAddress name, Promise<InetSocketAddress> promise) {
      find(name).subscribe(all -> promise.trySuccess(all.get(0)), promise::tryFailure);
    }

    @Override
    protected void doResolveAll(InetSocketAddress name, Promise<List<InetSocketAddress>> promise) {
      find(name).subscribe(promise::trySuccess, promise::tryFailure);
    }

    private Mono<List<InetSocketAddress>> find(InetSocketAddress name) {
      String host = name.getHostString();
      Mono<List<InetAddress>> found =
          name.isUnresolved()
              ? Mono.defer(() -> names.apply(host))
              : Mono.just(List.of(name.getAddress()));
      return found.handle(
          (addresses, sink) -> {
            for (InetAddress address : addresses) {
              if (!allowed.contains(address)) {
                sink.error(new AddressRefused(host, address));
                return;
              }
            }
            if (addresses.isEmpty()) {
              sink.error(new UnknownHostException(host));
            } else {
              sink.next(
                  addresses.stream()
                      .map(address -> new InetSocketAddress(address, name.getPort()))
                      .toList());
            }
          });
    }
  }
}
