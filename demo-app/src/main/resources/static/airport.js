/*
 * The live page of baggage control. It has no build step and asks nobody else for anything.
 *
 * A topic is a <section class="topic" id data-name> of index.html and a link to it in the navigation. What happens in
 * it is one module in sections/ (or several), listed here. A module exports start(), which is called once; it
 *   - subscribes to its event of the live feed, subscribe('its-event', (view, before) => …), and draws what it is given,
 *   - listens to its own elements and sends requests with send(…), whose problems showProblem(…) puts at the form.
 * The helpers are in page/. On the server the event is a bean of type LiveSection; its view is bounded, so is what is
 * drawn. Colours, sizes and components (.panel, .panel-head, .table-frame, .chip, .field, .buttons, .bar, .quiet,
 * .nothing, .error, .done) are in airport.css; what only one topic needs is at its end, under its name.
 */

import { connect } from './page/live.js';
import { startTopics } from './page/topics.js';
import * as lamps from './sections/lamps.js';
import * as balance from './sections/balance.js';
import * as bags from './sections/bags.js';
import * as load from './sections/load.js';
import * as parked from './sections/parked.js';
import * as transfers from './sections/transfers.js';
import * as arrivals from './sections/arrivals.js';
import * as carousels from './sections/carousels.js';
import * as scans from './sections/scans.js';
import * as turnarounds from './sections/turnarounds.js';
import * as deadLetters from './sections/dead-letters.js';
import * as rebookings from './sections/rebookings.js';
import * as quotes from './sections/quotes.js';
import * as claims from './sections/claims.js';
import * as bridges from './sections/bridges.js';
import * as chaos from './sections/chaos.js';
import * as customs from './sections/customs.js';
import * as screens from './sections/screens.js';
import * as tour from './sections/tour.js';

startTopics();
[
  lamps,
  balance,
  load, // says that no more bags come before it is said that all are settled
  bags,
  parked,
  transfers,
  arrivals,
  carousels,
  scans,
  turnarounds,
  deadLetters,
  rebookings,
  quotes,
  claims,
  bridges,
  chaos,
  customs,
  screens,
  tour,
].forEach((section) => section.start());
connect();
