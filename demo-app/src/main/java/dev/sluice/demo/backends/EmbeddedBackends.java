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

import org.springframework.beans.factory.support.DefaultSingletonBeanRegistry;
import org.springframework.boot.context.event.ApplicationFailedEvent;
import org.springframework.context.ApplicationContextInitializer;
import org.springframework.context.ApplicationListener;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.env.MapPropertySource;

/**
 * Starts the {@link Backends} before there is any bean, and tells the application by properties
 * where they are, as somebody would who runs them elsewhere. They are the first thing that can be
 * destroyed, and so the last that is.
 */
final class EmbeddedBackends
    implements ApplicationContextInitializer<ConfigurableApplicationContext> {

  private static final String NAME = "backends";

  @Override
  public void initialize(ConfigurableApplicationContext context) {
    Backends backends = Backends.start(context.getEnvironment());
    context
        .getEnvironment()
        .getPropertySources()
        .addFirst(new MapPropertySource(NAME, backends.properties()));
    DefaultSingletonBeanRegistry beans = (DefaultSingletonBeanRegistry) context.getBeanFactory();
    beans.registerSingleton(NAME, backends);
    beans.registerDisposableBean(NAME, backends::close);
    // An application that fails before it has beans destroys none.
    ApplicationListener<ApplicationFailedEvent> failed = event -> backends.close();
    context.addApplicationListener(failed);
  }
}
