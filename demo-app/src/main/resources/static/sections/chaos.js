/* Chaos: what can be broken on purpose, and mended again. */

import { $, announce, data, departureName, element, form, onSwitch, report, send, setSwitch, text } from '../page/kit.js';
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
    onSwitch($(name), $(`${name}-error`), (on) => send('POST', `/api/chaos/${name}?on=${on}`), (on) => (on ? words.on : words.off));
  }
  $('kill-connections').addEventListener('click', kill);
  form('smudge', SMUDGE, (fields) => send('POST', `/api/chaos/corrupt-tags?${new URLSearchParams(fields)}`),
    (answer, { bags }) => text($('smudge-done'), `${bags} bags whose tags cannot be read were checked in. See the dead letters.`));
  form('jam', JAM, (fields) => send('POST', `/api/chaos/jam-flight?${new URLSearchParams(fields)}`),
    () => announce('The belt is jammed. The next bag of this flight is stuck.'));
}

function draw(view) {
  for (const [name, { field }] of Object.entries(SWITCHES)) {
    const input = $(name);
    setSwitch(input, view[field]);
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
    // Its bags that were parked meanwhile go on too.
    clear.addEventListener('click', () => report(send('POST', `/api/convoys/${encodeURIComponent(key)}/release`),
      $('jam-error'), `The belt of ${departureName(key)} is clear.`));
    return element('li', {}, element('span', { className: 'flight' }, departureName(key)), clear);
  }));
}

async function kill() {
  const ok = await report(send('POST', '/api/chaos/kill-connections'), $('kill-error'));
  text($('kill-done'), ok ? 'All connections to the database were ended. New ones are made.' : '');
}
