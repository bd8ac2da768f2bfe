/* The bags: figures, the departures board with its belts, the convoy's gauges, and a bag of one's own. */

import {
  $, announce, copyOf, count, data, form, keep, newTag, part, send, still, tenths, text, whole,
} from '../page/kit.js';
import { now, subscribe } from '../page/live.js';

const BAGS_PER_LANE = 12;
/** What part of a belt is for bags that wait, and how far apart they are in pixels: as in the style sheet. */
const WAITING = 0.38;
const APART = 3;
const TRAVEL = 900;
const STAGGER = 120;
const STOW = 1500;
const CHECK_IN = { tag: 'tag', flight: 'flight', date: 'date' };

export function start() {
  subscribe('frame', draw);
  subscribe('convoys', ({ parked }) => {
    parkedKeys = new Set(parked.map((flight) => flight.key));
  });
  form('check-in', CHECK_IN, (bag) => send('POST', '/api/bags', bag), checkedIn);
  $('new-tag').addEventListener('click', offerTag);
  setInterval(() => lanes.forEach(countDown), 1000);
  offerTag();
  offerFlights();
}

function draw(frame, before) {
  drawFigures(frame);
  drawBoard(frame, before !== null);
  drawConvoy(frame);
  if (before && !isSettled(before) && isSettled(frame)) {
    announce(`All bags are settled: ${whole.format(frame.counters.loaded)} loaded, ${whole.format(frame.counters.deadLettered)} dead-lettered.`);
  }
}

/** Nothing is under way, and nothing more is to come. */
function isSettled({ counters, load }) {
  return counters.inFlight === 0 && load.state !== 'running';
}

function drawFigures({ counters, rates, oldestInFlightMillis }) {
  text($('r-checked-in'), whole.format(rates.checkedIn));
  text($('r-loaded'), whole.format(rates.loaded));
  text($('oldest'), counters.inFlight === 0 ? 'none' : `${tenths.format(oldestInFlightMillis / 1000)} s`);
  text($('n-duplicates'), whole.format(counters.duplicates));
  text($('n-out-of-order'), whole.format(counters.outOfOrder));
  data($('order-panel'), 'broken', counters.outOfOrder > 0);
}

function drawConvoy({ convoy, kafka }) {
  text($('g-lanes'), whole.format(convoy.lanes));
  text($('g-running'), whole.format(convoy.running));
  text($('g-concurrency'), whole.format(convoy.concurrency));
  text($('g-admitted'), whole.format(convoy.admitted));
  text($('g-look-ahead'), whole.format(convoy.lookAhead));
  text($('g-lag'), whole.format(kafka.waiting));
  part($('b-running'), convoy.running / convoy.concurrency);
  part($('b-admitted'), convoy.admitted / convoy.lookAhead);
}

// == departures ==

const lanes = new Map();
/** How many bags can wait on a belt side by side. */
let room = 3;
let parkedKeys = new Set();

function drawBoard({ lanes: next, others, counters }, fresh) {
  $('first-steps').hidden = counters.checkedIn > 0;
  const chip = $('lanes').querySelector('.bag');
  if (chip) room = Math.max(1, Math.floor((chip.parentElement.clientWidth * WAITING) / (chip.offsetWidth + APART)));
  keep($('lanes'), lanes, next, (lane) => lane.key, (lane) => openLane(lane, fresh), drawLane);
  text($('others'), `and ${whole.format(others.flights)} other flights: ${count(others.inFlight, 'bag')} in flight, ${whole.format(others.loaded)} loaded`);
}

function openLane(lane, fresh) {
  const { root, find } = copyOf('lane-template');
  if (fresh) root.classList.add('fresh');
  text(find('.flight'), lane.flight);
  text(find('.from'), lane.origin);
  text(find('.to'), lane.destination);
  return {
    root,
    departsAt: lane.departsAt,
    countdown: find('.countdown'),
    belt: find('.belt'),
    hold: find('.hold'),
    loaded: find('.count .loaded'),
    checkedIn: find('.count .checked-in'),
    bar: find('.bar i'),
    bags: new Map(),
    // Bags up to this sequence number have had their turn on the belt.
    seen: lane.bags.reduce((top, bag) => (bag.stage === 'LOADED' ? Math.max(top, bag.sequence) : top), 0),
  };
}

function drawLane(view, lane) {
  view.departsAt = lane.departsAt;
  countDown(view);
  text(view.loaded, whole.format(lane.loaded));
  text(view.checkedIn, whole.format(lane.checkedIn));
  const done = lane.checkedIn === 0 ? 0 : lane.loaded / lane.checkedIn;
  part(view.bar, done);
  part(view.hold, done);
  moveBags(view, lane.bags);
  const parked = parkedKeys.has(lane.key);
  data(view.root, 'parked', parked);
  data(view.root, 'moving', view.bags.size > 0 && !parked);
}

function moveBags(view, bags) {
  const listed = new Map(bags.map((bag) => [bag.tag, bag]));
  let queued = 0;
  let waiting = 0;
  for (const bag of bags) {
    const ahead = bag.stage === 'CHECKED_IN' || bag.stage === 'PARKED' ? waiting++ : 0;
    const chip = view.bags.get(bag.tag);
    if (chip) {
      advance(view, chip, bag.stage, ahead);
    } else if (bag.sequence > view.seen && view.bags.size < BAGS_PER_LANE) {
      if (bag.stage === 'LOADED' && still.matches) continue;
      enter(view, bag, queued++, ahead);
    }
    if (bag.stage === 'LOADED') view.seen = Math.max(view.seen, bag.sequence);
  }
  // A chip whose bag left the list between two frames has been loaded or dead-lettered: it leaves the belt.
  for (const [tag, chip] of view.bags) if (!listed.has(tag)) advance(view, chip, 'LOADED', 0);
}

/**
 * @param place of those that come at the same time
 * @param ahead how many wait in front of it
 */
function enter(view, bag, place, ahead) {
  const node = document.createElement('b');
  node.className = 'bag';
  node.dataset.stage = 'ENTERING';
  node.textContent = bag.tag.slice(-4);
  node.style.setProperty('--wait', `${place * STAGGER}ms`);
  view.belt.append(node);
  const chip = { node, tag: bag.tag, stage: 'ENTERING', place, ahead };
  view.bags.set(bag.tag, chip);
  // Two frames: the first paints the bag at the start of the belt, the second lets it travel.
  requestAnimationFrame(() => requestAnimationFrame(() => advance(view, chip, bag.stage, ahead)));
}

function advance(view, chip, stage, ahead) {
  const { node } = chip;
  if (chip.stage === 'LOADED') return;
  data(node, 'room', ahead < room);
  if (chip.stage === stage && chip.ahead === ahead) return;
  if (chip.stage !== 'ENTERING') node.style.setProperty('--wait', '0s');
  else if (stage === 'LOADED') node.classList.add('whole-way');
  Object.assign(chip, { stage, ahead });
  node.dataset.stage = stage;
  node.style.setProperty('--ahead', String(ahead));
  node.style.setProperty('--travel', `${TRAVEL}ms`);
  if (stage === 'LOADED') {
    const wait = still.matches ? 0 : chip.place * STAGGER + TRAVEL;
    setTimeout(() => { node.dataset.stage = 'STOWED'; }, wait);
    setTimeout(() => {
      node.remove();
      view.bags.delete(chip.tag);
      if (view.bags.size === 0) data(view.root, 'moving', 'false');
    }, still.matches ? 0 : wait + STOW - TRAVEL);
  }
}

function countDown(view) {
  const left = Math.round((view.departsAt - now()) / 1000);
  data(view.root, 'state', left <= 0 ? 'gone' : left <= 20 ? 'boarding' : 'open');
  text(view.countdown, left <= 0 ? 'departed' : clockFace(left));
}

function clockFace(seconds) {
  const two = (n) => String(n).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

// == check-in ==

function checkedIn({ status, body }) {
  text($('check-in-done'), status === 201
    ? `${body.tag} is checked in for ${body.flight}: number ${body.sequence} of this flight.`
    : `${body.tag} was already checked in for ${body.flight}. It still counts once.`);
}

function offerTag() {
  $('tag').value = newTag();
}

async function offerFlights() {
  const { ok, body } = await send('GET', '/api/flights');
  // Without the list the field still takes any flight, and the server says whether it exists.
  if (!ok) return;
  const names = new Map(body.flights.map((flight) => [flight.flight, `${flight.origin} to ${flight.destination}`]));
  $('flights').replaceChildren(...[...names].map(([value, route]) => new Option(route, value)));
}
