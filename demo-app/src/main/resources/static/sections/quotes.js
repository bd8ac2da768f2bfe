/* Seats with partner airlines: all are asked at once, and what comes back in time counts. */

import { $, announce, data, duration, element, form, onSwitch, part, send, text } from '../page/kit.js';

const INPUTS = { from: 'quote-from', to: 'quote-to' };
const WITHIN = 800;
const STATES = { ANSWERED: 'answered', HEDGED: 'answered when asked twice', EMPTY: 'has no seat', FAILED: 'refused', TIMED_OUT: 'too late', CANCELLED: 'not needed any more' };
const dollars = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD' });

const legs = new Map();

export async function start() {
  form('quote', INPUTS, (fields) => send('GET', `/api/quotes?${new URLSearchParams(fields)}`), draw);
  const { ok, body } = await send('GET', '/api/quotes/airlines');
  if (ok) Object.entries(body).forEach(([airline, open]) => leg(airline, open));
}

/** The line of an airline, with the switch that closes it. */
function leg(airline, open) {
  const box = element('input', { type: 'checkbox', id: `open-${airline}`, checked: open });
  const bar = element('i');
  const words = element('span', { className: 'quiet' });
  const root = element('li', {},
    element('span', { className: 'switch' }, box, element('label', { for: box.id }, airline)),
    element('span', { className: 'bar', 'aria-hidden': 'true' }, bar),
    words);
  onSwitch(box, $('quote-error'), (on) => send('PUT', `/api/quotes/airlines/${encodeURIComponent(airline)}?open=${on}`));
  $('legs').append(root);
  legs.set(airline, { root, bar, words });
}

function draw({ body }) {
  for (const { airline, state, offer, tookMillis } of body.legs) {
    const line = legs.get(airline);
    if (!line) continue;
    data(line.root, 'leg', state);
    data(line.root, 'best', airline === body.cheapest);
    part(line.bar, tookMillis / WITHIN);
    text(line.words, `${offer ? `${dollars.format(offer.cents / 100)}, ` : ''}${STATES[state] || state}${tookMillis > 0 ? ` after ${duration(tookMillis)}` : ''}`);
  }
  const said = body.complete
    ? `Three have answered after ${duration(body.tookMillis)}; the best price is that of ${body.cheapest}.`
    : `Not enough have answered within ${duration(body.tookMillis)}: this is what there is.`;
  text($('quote-done'), said);
  announce(said);
}
