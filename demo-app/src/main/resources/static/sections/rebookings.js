/* Rebookings: a saga for each, its steps and its journal, and the decisions about those that are parked. */

import { $, alarm, announce, clearProblem, copyOf, count, data, element, keep, onSubmit, problemText, send, showProblem, text, timeOfDay } from '../page/kit.js';
import { subscribe } from '../page/live.js';
import { badge } from '../page/topics.js';

const INPUTS = { booking: 'booking', flight: 'missed-flight' };
const FAULTS = ['hotel', 'ticket', 'refund'];
const STEPS = { 'hold-seat': 'Seat', 'hotel-voucher': 'Hotel', charge: 'Charge', 'issue-ticket': 'Ticket' };
const DOING = { PLANNED: 'planned', RUNNING: 'running', DONE: 'done', FAILED: 'failed', UNDOING: 'being undone', UNDONE: 'undone', SKIPPED: 'undone by hand' };
const STATES = { RUNNING: 'running', COMPLETED: 'rebooked', COMPENSATED: 'undone', PARKED: 'needs a decision', ABANDONED: 'given up' };
const HAPPENED = { OPENED: 'begun', INTENT: 'asked for', DONE: 'done', FAILED: 'failed', TURNED: 'goes back', UNDOING: 'to be undone', UNDONE: 'undone', SKIPPED: 'skipped', RESUMED: 'goes on', COMPLETED: 'all done', COMPENSATED: 'all undone', PARKED: 'parked', ABANDONED: 'given up' };
const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';

const views = new Map();

export function start() {
  subscribe('rebookings', draw);
  onSubmit('rebook', rebook);
  for (const fault of FAULTS) {
    $(`fault-${fault}`).addEventListener('change', (event) => set(fault, event.target));
  }
  newBooking();
}

function newBooking() {
  const letters = crypto.getRandomValues(new Uint8Array(6));
  $('booking').value = [...letters].map((n) => LETTERS[n % LETTERS.length]).join('');
}

async function rebook() {
  clearProblem('rebook', INPUTS);
  const request = { booking: $('booking').value.trim(), flight: $('missed-flight').value.trim() };
  const { ok, body } = await send('POST', '/api/rebookings', request);
  if (!ok) {
    showProblem(body, 'rebook', INPUTS);
    return;
  }
  announce(`Rebooking ${body.trip.booking} from ${body.trip.missed} to ${body.trip.flight} has begun.`);
  newBooking();
}

async function set(fault, box) {
  const { ok, body } = await send('PUT', `/api/rebookings/faults/${fault}?on=${box.checked}`);
  text($('faults-error'), ok ? '' : problemText(body));
  if (!ok) box.checked = !box.checked;
}

function draw({ up, running, parked, faults, sagas }, before) {
  badge('passengers', parked, 'rebookings need a decision');
  text($('rebookings-count'), up ? `${count(running, 'saga')} running, ${parked} parked` : 'The journal does not answer.');
  for (const fault of FAULTS) {
    const box = $(`fault-${fault}`);
    if (document.activeElement !== box) box.checked = faults[fault] === true;
  }
  $('rebookings-none').hidden = sagas.length > 0;
  keep($('sagas'), views, sagas, (saga) => saga.id, open, drawSaga);
  if (before && parked > before.parked) alarm('A rebooking can go neither forward nor backward, and needs a decision.');
  else if (before && parked < before.parked) alarm('');
}

function open(saga) {
  const { root, find } = copyOf('saga-template');
  const view = { root, find, state: '', seen: -1, id: saga.id };
  for (const [decision, button] of [['resume', '.resume'], ['skip', '.undone-by-hand'], ['fail', '.fail']]) {
    find(button).addEventListener('click', () => decide(view, decision));
  }
  text(find('.saga-booking'), saga.trip.booking);
  text(find('.from'), saga.trip.missed);
  text(find('.to'), saga.trip.flight);
  text(find('.saga-route'), `${saga.trip.origin} to ${saga.trip.destination}`);
  view.steps = saga.steps.map((step) => {
    const doing = element('span', { className: 'doing' });
    const item = element('li', {}, element('b', {}, STEPS[step.name] || step.name), doing);
    find('.saga-steps').append(item);
    return { item, doing };
  });
  return view;
}

function drawSaga(view, saga) {
  const { find } = view;
  view.stuck = saga.stuck;
  text(find('.saga-state'), STATES[saga.state]);
  data(find('.saga-state'), 'saga', saga.state);
  saga.steps.forEach((step, index) => {
    data(view.steps[index].item, 'doing', step.doing);
    text(view.steps[index].doing, DOING[step.doing]);
  });
  text(find('.saga-why'), saga.state === 'COMPLETED' ? `Ticket ${saga.trip.ticket}, paid with ${saga.trip.payment}, hotel ${saga.trip.voucher}.` : saga.why);
  find('.saga-decide').hidden = saga.state !== 'PARKED';
  find('.undone-by-hand').hidden = !saga.stuck;
  if (saga.stuck) text(find('.undone-by-hand'), `${STEPS[saga.stuck] || saga.stuck} was undone by hand`);
  if (view.seen === saga.timeline.length) return;
  view.seen = saga.timeline.length;
  find('.saga-journal').replaceChildren(...saga.timeline.map((line) => element('li', {},
    element('span', { className: 'at' }, timeOfDay.format(new Date(line.at))),
    element('span', {}, `${HAPPENED[line.kind] || line.kind}${line.step ? ` ${STEPS[line.step] || line.step}` : ''}`),
    line.note && element('span', { className: 'quiet' }, line.note))));
}

async function decide(view, decision) {
  const why = { resume: 'tried again from the page', skip: 'undone by hand, says the page', fail: 'given up from the page' }[decision];
  const request = decision === 'skip' ? { step: view.stuck, why } : { why };
  const { ok, body } = await send('POST', `/api/sagas/${encodeURIComponent(view.id)}/${decision}`, request);
  text(view.find('.saga-error'), ok ? '' : problemText(body));
  if (ok) announce({ resume: 'The rebooking tries again.', skip: 'The rebooking goes on without it.', fail: 'The rebooking was given up.' }[decision]);
}
