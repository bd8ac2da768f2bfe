/* The dead letters. */

import { $, element, text, timeOfDay, whole } from '../page/kit.js';
import { subscribe } from '../page/live.js';
import { badge } from '../page/topics.js';

let shown = '';

export function start() {
  subscribe('frame', draw);
}

function draw({ deadLetters, counters }) {
  badge('dead-letters', counters.deadLettered, 'dead letters');
  text($('dead-count'), counters.deadLettered > deadLetters.length
    ? `the last ${deadLetters.length} of ${whole.format(counters.deadLettered)}`
    : '');
  const next = deadLetters.map((letter) => letter.record).join();
  if (next === shown) return;
  shown = next;
  $('dead-none').hidden = deadLetters.length > 0;
  $('dead-frame').hidden = deadLetters.length === 0;
  $('dead-rows').replaceChildren(...deadLetters.map(row));
}

function row(letter) {
  const cell = (className, ...children) => element('td', { className }, ...children);
  return element('tr', {},
    cell('when', timeOfDay.format(new Date(letter.at))),
    cell('reason', element('span', {}, letter.reason)),
    cell('detail', letter.detail),
    cell('record', letter.record),
    cell('preview', letter.preview));
}
