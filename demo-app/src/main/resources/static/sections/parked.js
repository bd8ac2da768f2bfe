/* Flights that are parked: a bag of theirs could not be loaded, and those behind it wait in their order. */

import { $, alarm, copyOf, count, data, departureName, keep, report, send, text } from '../page/kit.js';
import { subscribe } from '../page/live.js';
import { badge } from '../page/topics.js';

/** What a cause begins with that only its log needs: its kind and the type of its exception. */
const TYPE = /^[A-Z]+ [\w.$]+: /;

const views = new Map();

export function start() {
  subscribe('convoys', draw);
}

function draw({ parked }, before) {
  $('parked-none').hidden = parked.length > 0;
  badge('bags', parked.length, 'parked flights');
  keep($('parked-flights'), views, parked, (flight) => flight.key, open, drawFlight);
  if (before && parked.length > before.parked.length) alarm(`${count(parked.length, 'flight')} parked: somebody has to release them.`);
  else if (before && parked.length < before.parked.length) alarm('');
}

function open(flight) {
  const { root, find } = copyOf('parked-template');
  const name = departureName(flight.key);
  text(find('.flight'), name);
  const view = { root, bags: find('.bags'), why: find('.why'), error: find('.error'), release: find('button') };
  view.release.setAttribute('aria-label', `Release ${name}`);
  view.release.addEventListener('click', () => release(view, flight.key, name));
  return view;
}

function drawFlight(view, { bags, why, draining }) {
  data(view.root, 'draining', draining);
  text(view.bags, draining ? `${count(bags, 'bag')} on their way` : `${count(bags, 'bag')} waiting`);
  text(view.why, why.replace(TYPE, ''));
  view.release.disabled = draining;
}

async function release(view, key, name) {
  view.release.disabled = true;
  await report(send('POST', `/api/convoys/${encodeURIComponent(key)}/release`), view.error, `${name} is released. Its bags go on in their order.`);
  view.release.disabled = false;
}
