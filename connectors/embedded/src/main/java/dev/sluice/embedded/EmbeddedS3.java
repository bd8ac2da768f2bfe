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
package dev.sluice.embedded;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.gaul.s3proxy.BlobStores;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.jspecify.annotations.Nullable;

/**
 * A server inside this JVM that speaks the protocol of S3 and keeps objects as files, for tests and
 * demos. It checks signatures, honours conditional writes, knows multipart uploads and presigned
 * URLs, and what was stored survives a kill of this process. It has neither tags nor life cycles
 * nor versions.
 *
 * <p>It listens on 127.0.0.1 without encryption and lets in who knows {@value #ACCESS_KEY} and
 * {@value #SECRET_KEY}: do not put data into it that must be kept to oneself.
 *
 * <pre>{@code
 * try (EmbeddedS3 s3 = EmbeddedS3.create(s -> s.bucket("images")).start()) {
 *   … s3.endpoint() …
 * }
 * }</pre>
 *
 * <p>Clients address buckets by path. All methods block, for a second at the worst; call them from
 * a thread that may. Starting and stopping are serialized, so that any thread may call them.
 */
public final class EmbeddedS3 implements AutoCloseable {

  /** The access key that it knows. */
  public static final String ACCESS_KEY = "AKIAEMBEDDED";

  /** The secret key that belongs to it. */
  public static final String SECRET_KEY = "embedded-secret";

  /** The region that clients should say. */
  public static final String REGION = "us-east-1";

  private final DataDirectory directory;
  private final Set<String> buckets;
  private final Object lifecycle = new Object();
  private volatile int port;
  private @Nullable S3Proxy server;
  private boolean closed;

  private EmbeddedS3(DataDirectory directory, int port, Set<String> buckets) {
    this.directory = directory;
    this.port = port;
    this.buckets = buckets;
  }

  /**
   * A server with a temporary data directory on a free port, not started yet.
   *
   * @return the server
   */
  public static EmbeddedS3 create() {
    return create(spec -> spec);
  }

  /**
   * A server that is not started yet.
   *
   * @param spec changes the default spec: a temporary data directory, a free port, no bucket
   * @return the server
   */
  public static EmbeddedS3 create(UnaryOperator<EmbeddedS3Spec> spec) {
    EmbeddedS3Spec given = Objects.requireNonNull(spec, "spec").apply(EmbeddedS3Spec.DEFAULT);
    return new EmbeddedS3(
        DataDirectory.of(given.dataDirectory(), "sluice-s3-"), given.port(), given.buckets());
  }

  /**
   * Starts the server, or starts it again after {@link #stop()} with the same data on the same
   * port. Returns when clients can use it; does nothing when it runs already.
   *
   * @return this server
   * @throws IllegalStateException if the server is closed, if another one uses the data directory,
   *     or if it cannot start, because the port is in use for one
   */
  public EmbeddedS3 start() {
    synchronized (lifecycle) {
      if (closed) {
        throw new IllegalStateException("embedded S3: closed (expected: not closed yet)");
      }
      if (server == null) {
        directory.lock();
        try {
          server = launch();
        } finally {
          if (server == null) {
            directory.unlock();
          }
        }
      }
      return this;
    }
  }

  private S3Proxy launch() {
    try {
      Path objects = directory.path().resolve("objects");
      Files.createDirectories(objects);
      for (String bucket : buckets) {
        createPrivate(objects.resolve(bucket));
      }
      if (port == 0) {
        port = LoopbackPort.free();
      }
      Properties files = new Properties();
      files.put("jclouds.filesystem.basedir", objects.toString());
      S3Proxy proxy =
          S3Proxy.builder()
              .endpoint(URI.create("http://127.0.0.1:" + port))
              .awsAuthentication(AuthenticationType.AWS_V2_OR_V4, ACCESS_KEY, SECRET_KEY)
              .ignoreUnknownHeaders(true) // or it refuses what the SDK says about sizes
              .blobStore(BlobStores.create("filesystem-nio2", files))
              .build();
      proxy.start();
      return proxy;
    } catch (IOException e) {
      throw new UncheckedIOException("embedded S3 could not start", e);
    } catch (Exception e) {
      throw new IllegalStateException("embedded S3 could not start on port " + port, e);
    }
  }

  /**
   * A bucket whose directory others may read is one that everybody may read, by the protocol too.
   */
  private static void createPrivate(Path bucket) throws IOException {
    File directory = Files.createDirectories(bucket).toFile();
    boolean restricted = directory.setReadable(false, false) && directory.setReadable(true, true);
    if (!restricted) {
      throw new IOException("could not keep " + bucket + " from others");
    }
  }

  /**
   * Stops the server, ending its connections, and keeps its data and its port; does nothing when it
   * does not run.
   */
  public void stop() {
    synchronized (lifecycle) {
      S3Proxy running = server;
      server = null;
      try {
        if (running != null) {
          running.stop();
        }
      } catch (Exception e) {
        throw new IllegalStateException("embedded S3 could not be stopped", e);
      } finally {
        directory.unlock();
      }
    }
  }

  /** Stops the server for good and deletes its data directory if that is a temporary one. */
  @Override
  public void close() {
    synchronized (lifecycle) {
      if (!closed) {
        stop();
        closed = true;
        directory.deleteIfTemporary();
      }
    }
  }

  /**
   * Where clients find it. It stays the same when the server is stopped and started again.
   *
   * @return the address
   * @throws IllegalStateException if the port is chosen at the first start, which has not happened
   */
  public URI endpoint() {
    if (port == 0) {
      throw new IllegalStateException("embedded S3: never started (expected: started once)");
    }
    return URI.create("http://127.0.0.1:" + port);
  }

  /**
   * The directory the server keeps its data in.
   *
   * @return the absolute path
   */
  public Path dataDirectory() {
    return directory.path();
  }
}
