/* Arrivals: the graph of events that the server has derived, what is counted of each, and one arrival that is followed. */

import { $, alarm, announce, data, duration, element, form, keep, problemText, report, send, text, timeOfDay, whole } from '../page/kit.js';
import { draw as drawGraph, parse } from '../page/graph.js';
import { subscribe } from '../page/live.js';

const INPUTS = { flight: 'arrival-flight' };
const DUTIES = { WORKS: 'works', REFUSES: 'refuses', SLEEPS: 'sleeps' };
const HAPPENED = { SEEN: '', CONSUMED: 'acted on', REPEATED: 'had acted on', EMITTED: 'made known:', FAILED: 'refused, and made known:', OVERDUE: 'nothing in time:' };

let nodes = new Map();
let asked = false;
let followed = '';
let followedSteps = -1;
const duties = new Map();
const landed = new Map();
const alarms = new Map();

export function start() {
  subscribe('arrivals', draw);
  form('arrival', INPUTS, (fields) => send('POST', '/api/arrivals', fields), ({ body }) => {
    announce(`${body.flight} has landed.`);
    follow(body.id);
  });
}

/** Asked for once; when that fails, with the next view. */
async function graph() {
  if (asked) return;
  asked = true;
  try {
    const response = await fetch('/api/choreography.mmd');
    if (!response.ok) throw new Error(`status ${response.status}`);
    const mermaid = await response.text();
    nodes = drawGraph($('arrival-graph'), parse(mermaid));
    text($('arrival-mermaid'), mermaid);
  } catch {
    asked = false;
  }
}

async function draw(view, before) {
  await graph();
  for (const [label, { root, says, kind }] of nodes) {
    if (kind === 'event') text(says, whole.format(view.events[label] || 0));
    if (kind === 'participant') {
      text(says, DUTIES[view.duties[label]] || '');
      data(root, 'duty', view.duties[label] || '');
    }
    if (kind === 'deadline') text(says, `${whole.format(view.events['bags.overdue'] || 0)} missed`);
  }
  keep($('duties'), duties, Object.entries(view.duties), ([name]) => name, openDuty, drawDuty);
  $('landed-none').hidden = view.landings.length > 0;
  keep($('landed'), landed, view.landings, ({ id }) => id, openLanding, drawLanding);
  $('overdue-none').hidden = view.alarms.length > 0;
  keep($('overdue'), alarms, view.alarms, ({ id }) => id, openAlarm, () => {});
  if (before && view.alarms[0]?.id !== before.alarms[0]?.id) alarm(`Nobody was told of the bags of ${view.alarms[0].flight}.`);
  const now = view.landings.find(({ id }) => id === followed);
  if (now && now.steps !== followedSteps) follow(followed, now.steps);
}

// == who does their part ==

function openDuty([name]) {
  const choice = element('select', { id: `duty-${name}` }, ...Object.entries(DUTIES).map(([value, words]) => element('option', { value }, words)));
  choice.addEventListener('change', () => report(send('PUT', `/api/arrivals/participants/${name}?does=${DUTIES[choice.value]}`),
    $('duties-error'), `${name} ${DUTIES[choice.value]}.`));
  return { choice, root: element('li', {}, element('label', { for: choice.id }, name), choice) };
}

function drawDuty({ choice }, [, duty]) {
  if (document.activeElement !== choice) choice.value = duty;
}

// == one that is followed ==

function openLanding({ id, flight, at }) {
  const words = element('span', {});
  const button = element('button', { type: 'button', 'aria-label': `Follow the arrival of ${flight} at ${timeOfDay.format(new Date(at))}` }, 'Follow');
  button.addEventListener('click', () => follow(id));
  return { words, button, root: element('li', {}, element('span', { className: 'flight' }, flight), words, button) };
}

function drawLanding(view, { id, now }) {
  text(view.words, now || 'forgotten');
  press(view, id);
}

function press({ root, button }, id) {
  data(root, 'followed', id === followed);
  button.setAttribute('aria-pressed', id === followed);
}

async function follow(id, steps = -1) {
  followed = id;
  followedSteps = steps;
  for (const [landing, view] of landed) press(view, landing);
  const { ok, body } = await send('GET', `/api/arrivals/${encodeURIComponent(id)}`);
  if (followed !== id) return;
  text($('followed-error'), ok ? '' : problemText(body));
  text($('followed-id'), id);
  $('followed-none').hidden = true;
  const known = ok ? body : [];
  $('followed-steps').replaceChildren(...known.map(({ what, type, by, at }) => element('li', {},
    element('span', { className: 'at' }, timeOfDay.format(new Date(at))),
    element('span', {}, by ? `${by} ${HAPPENED[what]} ` : '', element('code', {}, type)))));
  const ways = new Set(known.flatMap(({ type, by }) => [type, by]));
  for (const [label, { root, kind }] of nodes) data(root, 'followed', ways.has(kind === 'deadline' ? label.split(' ')[0] : label));
}

function openAlarm({ at, flight, withinMillis }) {
  return { root: element('li', {},
    element('span', { className: 'at' }, timeOfDay.format(new Date(at))),
    element('span', {}, `${flight}: nobody was told within ${duration(withinMillis)}`)) };
}
