/* Turnarounds: the steps of each aircraft and who does them, crews that can be killed, and what the supervisor does. */

import { $, alarm, announce, copyOf, count, data, departureName, element, form, keep, onSwitch, send, setSwitch, text, timeOfDay } from '../page/kit.js';
import { subscribe } from '../page/live.js';

const INPUTS = { flight: 'turn-flight' };
const CREWS = ['fuel', 'clean', 'load', 'standby'];
const STATES = { RUNNING: 'being turned round', UNDOING: 'being undone', DONE: 'ready', UNDONE: 'undone', ABANDONED: 'given up' };
const CHIPS = { RUNNING: 'RUNNING', UNDOING: 'RUNNING', DONE: 'COMPLETED' };
const DOING = { WAITING: 'PLANNED', READY: 'PLANNED', RUNNING: 'RUNNING', FAILED: 'FAILED', ESCALATED: 'FAILED', DONE: 'DONE', UNDONE: 'UNDONE', SKIPPED: 'PLANNED' };
const WORDS = { WAITING: 'waits for others', READY: 'waits for', RUNNING: 'under way, by', FAILED: 'has failed, by', ESCALATED: 'needs a decision', DONE: 'done by', UNDONE: 'undone', SKIPPED: 'not begun' };
const CAUSES = { EXPIRED: 'was not heard of any more', OVERDUE: 'was not done in time', FAILED: 'has failed' };

const views = new Map();
const remedied = new Map();

export function start() {
  subscribe('turnarounds', draw);
  form('turn', INPUTS, (fields) => send('POST', '/api/turnarounds', fields), ({ body }) => announce(`${departureName(body.departure)} is turned round.`));
  for (const crew of CREWS) {
    onSwitch($(`crew-${crew}`), $('crews-error'), (on) => send('PUT', `/api/turnarounds/crews/${crew}?works=${on}`),
      (on) => (on ? `The crew ${crew} works again.` : `The crew ${crew} is dead.`));
  }
}

function draw({ up, crews, remedies, turnarounds }, before) {
  const running = turnarounds.filter(({ state }) => state === 'RUNNING' || state === 'UNDOING').length;
  text($('turned-count'), up ? `${count(running, 'aircraft', 'aircraft')} on the ramp` : 'The store of the tasks does not answer.');
  for (const crew of CREWS) setSwitch($(`crew-${crew}`), crews[crew] === true);
  $('turned-none').hidden = turnarounds.length > 0;
  keep($('turned-list'), views, turnarounds, (turnaround) => turnaround.id, open, drawTurnaround);
  $('remedies-none').hidden = remedies.length > 0;
  keep($('remedy-list'), remedied, remedies, (remedy) => `${remedy.at} ${remedy.departure} ${remedy.step}`, openRemedy, () => {});
  const escalated = remedies.length > 0 && remedies[0].remedy === 'ESCALATED' ? remedies[0].at : '';
  const known = before && before.remedies.length > 0 && before.remedies[0].remedy === 'ESCALATED' ? before.remedies[0].at : '';
  if (before && escalated !== known) alarm(escalated ? 'A step of a turnaround needs a decision.' : '');
}

function open({ departure, steps }) {
  const { root, find } = copyOf('turned-template');
  text(find('.saga-booking'), departure ? departureName(departure) : 'an aircraft');
  const items = steps.map(({ name }) => {
    const doing = element('span', { className: 'doing' });
    const item = element('li', {}, element('b', {}, name), doing);
    find('.saga-steps').append(item);
    return { item, doing };
  });
  return { root, find, items };
}

function drawTurnaround({ find, items }, { state, why, steps }) {
  text(find('.saga-state'), STATES[state]);
  data(find('.saga-state'), 'saga', CHIPS[state] || state);
  text(find('.saga-why'), state === 'RUNNING' || state === 'DONE' ? '' : why);
  steps.forEach((step, index) => {
    const { item, doing } = items[index];
    data(item, 'doing', step.undoing && step.state !== 'UNDONE' ? 'UNDOING' : DOING[step.state]);
    text(doing, words(step));
  });
}

function words({ state, undoing, crew, attempts }) {
  if (undoing && state !== 'UNDONE') return `to be undone by ${crew}`;
  const said = WORDS[state];
  const who = /(for|by)$/.test(said) ? `${said} ${crew}` : said;
  return attempts > 1 ? `${who}, begun ${attempts} times` : who;
}

function openRemedy({ at, departure, step, crew, cause, remedy, to }) {
  const done = { REASSIGNED: `given to ${to}`, UNDONE: 'everything is undone', ESCALATED: 'somebody has to decide' }[remedy];
  return { root: element('li', {},
    element('span', { className: 'at' }, timeOfDay.format(new Date(at))),
    element('span', {}, `${departure ? `${departureName(departure)}, ` : ''}${step}: ${crew} ${CAUSES[cause]}, ${done}`)) };
}
