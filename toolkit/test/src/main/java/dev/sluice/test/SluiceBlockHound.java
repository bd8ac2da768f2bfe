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
package dev.sluice.test;

import reactor.blockhound.BlockHound;
import reactor.blockhound.integration.BlockHoundIntegration;

/**
 * Fits BlockHound to what Sluice runs on. Found as a service, so having this artifact on the class
 * path is enough; {@code blockhound-junit-platform} installs BlockHound itself in the test JVM.
 *
 * <ul>
 *   <li>Allowed: seeding and reseeding of {@link java.security.SecureRandom}, which reads the
 *       operating system's random source. It is short, rare, and nobody can avoid it.
 *   <li>Allowed: the subscriber of the Reactive Streams TCK, which takes what it receives under a
 *       lock. Met by two threads it waits for microseconds, and only in tests.
 *   <li>Allowed: the allocator of Netty extending itself, under a lock that it holds for
 *       microseconds. A read that is refused there ends its connection.
 *   <li>Allowed: the AWS SDK looking up an XML parser, once for each of its event loops.
 *   <li>Allowed: the AWS SDK taking a digest from its pool, under a lock, for microseconds. Refused
 *       while it waits for that lock, a thread would leave the lock broken, and the next one that
 *       wants it would hang for good.
 *   <li>Allowed: handing a task to a pool of the JDK, whose queue has a lock that is held for
 *       microseconds. The AWS SDK hands every answer from an event loop to such a pool. Refused
 *       while it waits for that lock, it would leave the lock broken, and with it the client. A
 *       task that the caller has to run itself, because the pool is full, may not block.
 *   <li>Allowed: taking a task out of the queue of a pool of the JDK, and shutting one down, under
 *       the same lock. An interval takes its task out when it is cancelled. Refused while it waits
 *       for the lock, it would leave the queue locked for good, and with it a thread of Reactor
 *       that everybody shares.
 *   <li>Allowed: waking a Kafka consumer that polls, under a lock that it holds for microseconds.
 *       Refused while it waits for that lock, it would leave the lock broken, and with it the
 *       consumer.
 *   <li>Allowed: the JDK reading its network properties, once, when the first socket is made. If
 *       that is refused, the process can make no sockets any more.
 *   <li>Allowed: a connection pool of Netty that is closed, which waits on one event loop of the
 *       AWS SDK for the connections of others. It is the end of the client, and nobody else's loop;
 *       not allowed, it would leave the pool open, and the client waiting for it.
 *   <li>Non-blocking in addition to Reactor's own threads: the Netty event loops of the AWS SDK,
 *       where the callbacks of its clients run.
 * </ul>
 */
public final class SluiceBlockHound implements BlockHoundIntegration {

  private static final String TCK = "org.reactivestreams.tck.TestEnvironment$";
  private static final String NETTY_ALLOCATOR = "io.netty.buffer.AdaptivePoolingAllocator";
  private static final String XML =
      "software.amazon.awssdk.protocols.query.unmarshall.XmlDomParser";
  private static final String DIGESTS = "software.amazon.awssdk.checksums.internal.DigestAlgorithm";
  private static final String EXECUTOR = "java.util.concurrent.ThreadPoolExecutor";
  private static final String POOL = "io.netty.channel.pool.SimpleChannelPool";
  private static final String KAFKA_FETCHES =
      "org.apache.kafka.clients.consumer.internals.FetchBuffer";
  private static final String AWS_EVENT_LOOP = "aws-java-sdk-NettyEventLoop";

  @Override
  public void applyTo(BlockHound.Builder builder) {
    builder
        .allowBlockingCallsInside("java.security.SecureRandom", "nextBytes")
        .allowBlockingCallsInside(NETTY_ALLOCATOR, "allocate")
        .allowBlockingCallsInside(XML, "createXmlInputFactory")
        .allowBlockingCallsInside(POOL, "close")
        .allowBlockingCallsInside(DIGESTS, "getDigest")
        .allowBlockingCallsInside(DIGESTS + "$CloseableMessageDigest", "close")
        .allowBlockingCallsInside(EXECUTOR, "execute")
        .allowBlockingCallsInside(EXECUTOR, "ensurePrestart") // when a task is scheduled
        .allowBlockingCallsInside(EXECUTOR, "remove") // when a task is cancelled
        .allowBlockingCallsInside(EXECUTOR, "shutdown")
        .allowBlockingCallsInside(EXECUTOR, "shutdownNow")
        .disallowBlockingCallsInside(EXECUTOR, "reject")
        .allowBlockingCallsInside(KAFKA_FETCHES, "wakeup")
        .allowBlockingCallsInside("sun.net.NetProperties", "loadDefaultProperties")
        .allowBlockingCallsInside(TCK + "Receptacle", "add")
        .allowBlockingCallsInside(TCK + "Receptacle", "complete")
        .allowBlockingCallsInside(TCK + "Promise", "complete")
        .nonBlockingThreadPredicate(
            current -> current.or(thread -> thread.getName().startsWith(AWS_EVENT_LOOP)));
  }
}
