/* Screens: subscribers of what happens to flights. One that is broken is felt by nobody else, and catches up. */

import { $, announce, count, data, element, form, keep, onSwitch, send, setSwitch, text, whole } from '../page/kit.js';
import { subscribe } from '../page/live.js';

const INPUTS = { flight: 'event-flight' };
const KINDS = { BOARDING: 'is boarding', DELAYED: 'is delayed', GATE: 'has another gate', DEPARTED: 'has departed' };

const views = new Map();

export function start() {
  subscribe('screens', draw);
  form('flight-event', INPUTS, (fields) => send('POST', '/api/flight-events', { ...fields, kind: 'delayed' }), ({ body }) => announce(`${body.flight} is delayed.`));
}

function draw({ published, screens }) {
  text($('events-count'), count(published, 'event'));
  keep($('screens'), views, screens, (screen) => screen.name, open, drawScreen);
}

function open({ name, wants }) {
  const box = element('input', { type: 'checkbox', id: `broken-${name}` });
  const words = element('b', {});
  const counts = element('small', {});
  const root = element('li', {},
    element('div', {}, element('span', {}, name), element('code', {}, wants)),
    element('div', {}, words, counts),
    element('span', { className: 'switch' }, box, element('label', { for: box.id }, 'broken')));
  onSwitch(box, $('flight-event-error'), (on) => send('PUT', `/api/screens/${encodeURIComponent(name)}?broken=${on}`));
  return { root, box, words, counts };
}

function drawScreen(view, { broken, shown, failures, last }) {
  setSwitch(view.box, broken);
  data(view.root, 'broken', broken);
  text(view.words, last ? `${last.flight} to ${last.destination} ${KINDS[last.kind]}` : 'nothing yet');
  text(view.counts, `${whole.format(shown)} shown${failures > 0 ? `, failed ${whole.format(failures)} times` : ''}`);
}
