/* Chaos: what can be broken on purpose, and mended again. */

import { $, announce, clearProblem, data, departureName, element, onSubmit, problemText, send, showProblem, text } from '../page/kit.js';
import { subscribe } from '../page/live.js';
import { badge } from '../page/topics.js';

/** The switches that stay on: the field of the view, and what is said. */
const SWITCHES = {
  'slow-scanner': { field: 'slowScanner', on: 'The scanner takes its time.', off: 'The scanner is as fast as usual.' },
  'slow-customs': { field: 'slowCustoms', on: 'Customs takes its time.', off: 'Customs is as fast as usual.' },
  'stop-broker': { field: 'brokerStopped', on: 'Kafka is stopped.', off: 'Kafka runs again.' },
};
const JAM = { flight: 'jam-flight', date: 'jam-date' };
const SMUDGE = { bags: 'smudge-bags' };

let jammedShown = '';

export function start() {
  subscribe('chaos', draw);
  for (const [name, words] of Object.entries(SWITCHES)) {
    $(name).addEventListener('change', (event) => flip(name, words, event.target.checked));
  }
  $('kill-connections').addEventListener('click', kill);
  onSubmit('smudge', smudge);
  onSubmit('jam', jam);
}

function draw(view) {
  for (const [name, { field }] of Object.entries(SWITCHES)) {
    const input = $(name);
    if (input.getAttribute('aria-busy') !== 'true') input.checked = view[field];
    data(input.closest('.panel'), 'broken', view[field]);
  }
  $('stop-broker').disabled = !view.brokerHere;
  $('stop-broker-elsewhere').hidden = view.brokerHere;
  badge('chaos', view.broken.length, 'things are broken');
  text($('broken-now'), view.broken.length > 0 ? `Broken now: ${view.broken.join('; ')}.` : '');

  const jammed = view.jammed.join();
  data($('jam').closest('.panel'), 'broken', view.jammed.length > 0);
  if (jammed === jammedShown) return;
  jammedShown = jammed;
  $('jammed').hidden = view.jammed.length === 0;
  $('jammed').replaceChildren(...view.jammed.map((key) => {
    const clear = element('button', { type: 'button', 'aria-label': `Clear the belt of ${departureName(key)}` }, 'Clear the belt');
    clear.addEventListener('click', () => clearJam(key));
    return element('li', {}, element('span', { className: 'flight' }, departureName(key)), clear);
  }));
}

async function flip(name, words, on) {
  const input = $(name);
  input.setAttribute('aria-busy', 'true');
  const { ok, body } = await send('POST', `/api/chaos/${name}?on=${on}`);
  input.removeAttribute('aria-busy');
  text($(`${name}-error`), ok ? '' : problemText(body));
  if (ok) announce(on ? words.on : words.off);
  else input.checked = !on;
}

async function kill() {
  const { ok, body } = await send('POST', '/api/chaos/kill-connections');
  text($('kill-done'), ok ? 'All connections to the database were ended. New ones are made.' : '');
  text($('kill-error'), ok ? '' : problemText(body));
}

async function smudge() {
  clearProblem('smudge', SMUDGE);
  text($('smudge-done'), '');
  const bags = $('smudge-bags').value.trim();
  const { ok, body } = await send('POST', `/api/chaos/corrupt-tags?${new URLSearchParams({ bags })}`);
  if (ok) text($('smudge-done'), `${bags} bags whose tags cannot be read were checked in. See the dead letters.`);
  else showProblem(body, 'smudge', SMUDGE);
}

async function jam() {
  clearProblem('jam', JAM);
  const query = new URLSearchParams({ flight: $('jam-flight').value.trim() });
  const date = $('jam-date').value.trim();
  if (date !== '') query.set('date', date);
  const { ok, body } = await send('POST', `/api/chaos/jam-flight?${query}`);
  if (ok) announce('The belt is jammed. The next bag of this flight is stuck.');
  else showProblem(body, 'jam', JAM);
}

/** Its bags that were parked meanwhile go on too. */
async function clearJam(key) {
  const { ok, body } = await send('POST', `/api/convoys/${encodeURIComponent(key)}/release`);
  text($('jam-error'), ok ? '' : problemText(body));
  if (ok) announce(`The belt of ${departureName(key)} is clear.`);
}
