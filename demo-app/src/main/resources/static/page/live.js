/*
 * The live feed: a named event for each view of the server.
 *
 * All pages of a browser share one stream, which a worker holds; where there are no such workers each page has its own.
 * The newest view of each event waits in `pending` and is drawn by the next animation frame, so that a slow or hidden
 * tab skips views instead of queueing them. "frame" comes four times a second whatever happens: it is the pulse.
 */

import { join } from './feed.js';

const PULSE = 'frame';
const STALE_AFTER = 3000;

const drawers = new Map();
const pending = new Map();
const shown = new Map();
const listeners = [];
let state = 'connecting';
let lastAt = 0;
let clockOffset = 0;
let drawing = false;
let port = null;

/** Calls `draw(view, before)` with each view of this event that is worth drawing; `before` is null at first. */
export function subscribe(event, draw) {
  if (!drawers.has(event)) drawers.set(event, []);
  drawers.get(event).push(draw);
}

/** Calls `changed(state, before)` when the connection comes up ("up") and is lost ("lost"). */
export function onLink(changed) {
  listeners.push(changed);
}

/** The server's clock. */
export const now = () => Date.now() + clockOffset;

/** The last view that was drawn, or undefined. */
export const latest = (event) => shown.get(event);

/** Starts; every event has been subscribed to before. */
export function connect() {
  setInterval(() => {
    if (lastAt > 0 && Date.now() - lastAt > STALE_AFTER) link('lost');
  }, 1000);
  open();
  // A page that is kept to go back to holds nothing meanwhile.
  window.addEventListener('pagehide', leave);
  window.addEventListener('pageshow', ({ persisted }) => persisted && open());
}

function open() {
  if ('SharedWorker' in window) {
    const worker = new SharedWorker(new URL('./worker.js', import.meta.url), { type: 'module' });
    worker.onerror = alone;
    enter(worker.port);
  } else {
    alone();
  }
}

/** Without a worker. */
function alone() {
  const { port1, port2 } = new MessageChannel();
  join(port2);
  enter(port1);
}

function enter(next) {
  port = next;
  port.onmessage = ({ data }) => (data ? received(...data) : link('lost'));
  port.postMessage([...drawers.keys()]);
}

function leave() {
  port.postMessage(null);
}

function received(event, json) {
  const view = JSON.parse(json);
  pending.set(event, view);
  if (event === PULSE) {
    lastAt = Date.now();
    clockOffset = view.at - lastAt;
    link('up');
  }
  if (!drawing) {
    drawing = true;
    requestAnimationFrame(draw);
  }
}

function draw() {
  drawing = false;
  for (const [event, view] of [...pending]) {
    pending.delete(event);
    const before = shown.get(event) ?? null;
    shown.set(event, view);
    for (const drawer of drawers.get(event)) {
      try {
        drawer(view, before);
      } catch (failure) {
        // One section that cannot draw is not the end of the others.
        console.error(`cannot draw ${event}`, failure);
      }
    }
  }
}

function link(next) {
  if (state === next) return;
  const before = state;
  state = next;
  document.body.dataset.link = next;
  for (const changed of listeners) changed(next, before);
}
