/* The dead letters: the last ones, one in full, and back to where they came from, as they are or repaired. */

import { $, announce, clearProblem, element, form, newTag, problemText, send, showProblem, text, timeOfDay, whole } from '../page/kit.js';
import { subscribe } from '../page/live.js';
import { badge } from '../page/topics.js';

const FIELDS = { tag: 'letter-tag', flight: 'letter-flight', date: 'letter-date' };

let shown = '';
let open = null;

export function start() {
  subscribe('frame', draw);
  $('dead-redrive-all').addEventListener('click', sendAllBack);
  form('letter', FIELDS, sendBack, () => sentBack('The bag was repaired and sent back.'));
  $('letter-as-is').addEventListener('click', sendBackAsItIs);
  $('letter-close').addEventListener('click', () => $('letter-dialog').close());
  $('letter-new-tag').addEventListener('click', () => { $('letter-tag').value = newTag(); });
}

function draw({ deadLetters, counters }) {
  badge('dead-letters', counters.deadLettered, 'dead letters');
  text($('dead-count'), counters.deadLettered > deadLetters.length
    ? `the last ${deadLetters.length} of ${whole.format(counters.deadLettered)}`
    : '');
  const next = deadLetters.map((letter) => `${letter.id}`).join();
  if (next === shown) return;
  shown = next;
  $('dead-none').hidden = deadLetters.length > 0;
  $('dead-frame').hidden = deadLetters.length === 0;
  $('dead-all').hidden = deadLetters.length === 0;
  const focused = document.activeElement?.dataset?.letter;
  $('dead-rows').replaceChildren(...deadLetters.map(row));
  if (focused) $('dead-rows').querySelector(`[data-letter="${focused}"]`)?.focus();
}

function row(letter) {
  const cell = (className, ...children) => element('td', { className }, ...children);
  const inspect = element('button', { type: 'button', 'data-letter': letter.id, 'aria-label': `Inspect the record ${letter.record}` }, 'Inspect');
  inspect.addEventListener('click', () => inspectLetter(letter.id));
  return element('tr', {},
    cell('when', timeOfDay.format(new Date(letter.at))),
    cell('reason', element('span', {}, letter.reason)),
    cell('detail', letter.detail, letter.redrives > 0 && element('span', { className: 'quiet' }, ` sent back ${letter.redrives === 1 ? 'once' : `${letter.redrives} times`} before`)),
    cell('record', letter.record),
    cell('preview', letter.preview),
    cell('act', inspect));
}

// == one in full ==

async function inspectLetter(id) {
  const { ok, body } = await send('GET', `/api/dead-letters/${encodeURIComponent(id)}`);
  text($('dead-error'), ok ? '' : problemText(body));
  if (!ok) return;
  open = body.letter;
  clearProblem('letter', FIELDS);
  text($('letter-record'), open.record);
  text($('letter-reason'), open.reason);
  text($('letter-detail'), open.detail);
  text($('letter-body'), body.body);
  $('letter-headers').replaceChildren(...Object.entries(body.headers).map(([name, value]) =>
    element('div', {}, element('dt', {}, name), element('dd', {}, value))));
  for (const [field, input] of Object.entries(FIELDS)) $(input).value = body.told[field] ?? '';
  $('letter-dialog').showModal();
}

/** With what is to be read instead of what the record says, if anything. */
const sendBack = (bag) => send('POST', `/api/dead-letters/${encodeURIComponent(open.id)}/redrive`, bag);

async function sendBackAsItIs() {
  clearProblem('letter', FIELDS);
  const { ok, body } = await sendBack();
  if (ok) sentBack('The record was sent back as it is.');
  else showProblem(body, 'letter', FIELDS);
}

function sentBack(said) {
  $('letter-dialog').close();
  announce(said);
}

// == all of them ==

async function sendAllBack() {
  $('dead-redrive-all').disabled = true;
  const { ok, body } = await send('POST', '/api/dead-letters/redrive?retag=true');
  $('dead-redrive-all').disabled = false;
  text($('dead-error'), ok ? '' : problemText(body));
  if (ok) announce(`${whole.format(body.letters)} letters are sent back. What cannot be repaired comes again.`);
}
