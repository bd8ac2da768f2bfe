/* Screens: subscribers of what happens to flights. One that is broken is felt by nobody else, and catches up. */

import { $, announce, clearProblem, data, element, keep, onSubmit, problemText, send, showProblem, text, whole } from '../page/kit.js';
import { subscribe } from '../page/live.js';

const INPUTS = { flight: 'event-flight' };
const KINDS = { BOARDING: 'is boarding', DELAYED: 'is delayed', GATE: 'has another gate', DEPARTED: 'has departed' };

const views = new Map();

export function start() {
  subscribe('screens', draw);
  onSubmit('flight-event', publish);
}

async function publish() {
  clearProblem('flight-event', INPUTS);
  const { ok, body } = await send('POST', '/api/flight-events', { flight: $('event-flight').value.trim(), kind: 'delayed' });
  if (ok) announce(`${body.flight} is delayed.`);
  else showProblem(body, 'flight-event', INPUTS);
}

function draw({ published, screens }) {
  text($('events-count'), `${whole.format(published)} events`);
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
  box.addEventListener('change', async () => {
    const { ok, body } = await send('PUT', `/api/screens/${encodeURIComponent(name)}?broken=${box.checked}`);
    text($('flight-event-error'), ok ? '' : problemText(body));
  });
  return { root, box, words, counts };
}

function drawScreen(view, { broken, shown, failures, last }) {
  if (document.activeElement !== view.box) view.box.checked = broken;
  data(view.root, 'broken', broken);
  text(view.words, last ? `${last.flight} to ${last.destination} ${KINDS[last.kind]}` : 'nothing yet');
  text(view.counts, `${whole.format(shown)} shown${failures > 0 ? `, failed ${whole.format(failures)} times` : ''}`);
}
