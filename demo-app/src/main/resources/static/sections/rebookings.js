/* Rebookings: a saga for each, its steps and its journal, and the decisions about those that are parked. */

import { $, alarm, announce, copyOf, count, data, element, form, keep, onSwitch, report, send, setSwitch, text, timeOfDay } from '../page/kit.js';
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
  form('rebook', INPUTS, (fields) => send('POST', '/api/rebookings', fields), begun);
  for (const fault of FAULTS) {
    onSwitch($(`fault-${fault}`), $('faults-error'), (on) => send('PUT', `/api/rebookings/faults/${fault}?on=${on}`));
  }
  newBooking();
}

function newBooking() {
  const letters = crypto.getRandomValues(new Uint8Array(6));
  $('booking').value = [...letters].map((n) => LETTERS[n % LETTERS.length]).join('');
}

function begun({ body: { trip } }) {
  announce(`Rebooking ${trip.booking} from ${trip.missed} to ${trip.flight} has begun.`);
  newBooking();
}

function draw({ up, running, parked, faults, sagas }, before) {
  badge('passengers', parked, 'rebookings need a decision');
  text($('rebookings-count'), up ? `${count(running, 'saga')} running, ${parked} parked` : 'The journal does not answer.');
  for (const fault of FAULTS) setSwitch($(`fault-${fault}`), faults[fault] === true);
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

function decide(view, decision) {
  const why = { resume: 'tried again from the page', skip: 'undone by hand, says the page', fail: 'given up from the page' }[decision];
  const request = decision === 'skip' ? { step: view.stuck, why } : { why };
  const said = { resume: 'The rebooking tries again.', skip: 'The rebooking goes on without it.', fail: 'The rebooking was given up.' }[decision];
  return report(send('POST', `/api/sagas/${encodeURIComponent(view.id)}/${decision}`, request), view.find('.saga-error'), said);
}
