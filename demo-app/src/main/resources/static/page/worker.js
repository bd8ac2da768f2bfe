/*
 * Holds the one stream of all pages of this browser. It opens no more than six connections to a server and a stream
 * keeps one of them for good: with a stream for each page, the requests of the seventh would wait for ever.
 */

import { join } from './feed.js';

self.onconnect = ({ ports: [port] }) => join(port);
