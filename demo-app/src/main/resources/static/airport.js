/*
 * The live page of baggage control.
 *
 * One EventSource delivers a frame about four times a second. The newest frame waits in `pending` and is drawn by the
 * next animation frame, so that a slow or hidden tab skips frames instead of queueing them. What is on the page is
 * bounded: ten lanes, twelve bags in each, twenty dead letters. Text from the server enters through textContent only.
 */

const STALE_AFTER = 3000;
const RECONNECT_AFTER = 2000;
const BAGS_PER_LANE = 12;
const RATES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];
/** Where on the belt a bag of each stage stands, from 0 to 1. */
const PLACES = { CHECKED_IN: 0.2, LOADING: 0.55, LOADED: 1 };
const TRAVEL = 900;
const STAGGER = 120;
const STOW = 1500;

const $ = (id) => document.getElementById(id);
const still = matchMedia('(prefers-reduced-motion: reduce)');
const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });
const timeOfDay = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

const bagCount = (n) => `${whole.format(n)} ${n === 1 ? 'bag' : 'bags'}`;

/** Writes only what changed: an unchanged text costs no layout. */
function text(node, value) {
  const next = String(value);
  if (node.textContent !== next) node.textContent = next;
}

function data(node, name, value) {
  if (node.dataset[name] !== value) node.dataset[name] = value;
}

function part(node, fraction) {
  const next = Math.min(1, Math.max(0, fraction || 0)).toFixed(4);
  if (node.style.getPropertyValue('--part') !== next) node.style.setProperty('--part', next);
}

// == connection ==

let pending = null;
let shown = null;
let lastFrameAt = 0;
let clockOffset = 0;
let drawing = false;

function connect() {
  const source = new EventSource('/api/live');
  source.addEventListener('frame', (event) => {
    pending = JSON.parse(event.data);
    lastFrameAt = Date.now();
    clockOffset = pending.at - lastFrameAt;
    link('up');
    if (!drawing) {
      drawing = true;
      requestAnimationFrame(draw);
    }
  });
  source.onerror = () => {
    link('lost');
    // After a network failure the browser reconnects by itself; after a refusal it gives up.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, RECONNECT_AFTER);
  };
}

function link(state) {
  const before = document.body.dataset.link;
  if (before === state) return;
  document.body.dataset.link = state;
  $('outage').hidden = state !== 'lost';
  data($('lamp-link'), 'state', state === 'up' ? 'up' : 'down');
  text($('link-text'), state === 'up' ? 'connected' : 'lost');
  if (state === 'lost') {
    const since = shown ? `What you see is from ${timeOfDay.format(shown.at)}. ` : '';
    text($('outage-text'), `${since}Reconnecting…`);
    for (const [lamp, words] of [['lamp-kafka', 'kafka-text'], ['lamp-flow', 'flow-text']]) {
      data($(lamp), 'state', 'unknown');
      text($(words), 'unknown');
    }
    text($('alarm'), 'Connection to baggage control lost.');
  } else {
    text($('alarm'), '');
    if (before === 'lost') announce('Connected again.');
  }
}

// == frames ==

function draw() {
  drawing = false;
  const frame = pending;
  if (!frame || frame === shown) return;
  drawBalance(frame);
  drawFigures(frame);
  drawBoard(frame);
  drawLoad(frame.load);
  drawConvoy(frame);
  drawDeadLetters(frame);
  narrate(frame, shown);
  shown = frame;
}

function drawBalance({ counters, invariant }) {
  text($('n-checked-in'), whole.format(counters.checkedIn));
  text($('n-loaded'), whole.format(counters.loaded));
  text($('n-in-flight'), whole.format(counters.inFlight));
  text($('n-dead'), whole.format(counters.deadLettered));
  const all = Math.max(1, counters.loaded + counters.inFlight + counters.deadLettered);
  part($('share-loaded'), counters.loaded / all);
  part($('share-in-flight'), counters.inFlight / all);
  part($('share-dead'), counters.deadLettered / all);

  const off = invariant.difference;
  data($('balance'), 'holds', String(invariant.holds));
  const tilt = off === 0 ? 0 : Math.sign(-off) * Math.min(14, 5 + Math.log2(Math.abs(off)) * 2);
  $('beam').style.setProperty('--tilt', `${tilt}deg`);
  text($('verdict'), invariant.holds ? 'The balance holds' : `The balance is off by ${whole.format(Math.abs(off))}`);
  const broken = invariant.violations === 0 ? 'no violation' : `${whole.format(invariant.violations)} violations`;
  text($('samples'), `${whole.format(invariant.samples)} samples, ${broken}`);
}

function drawFigures({ counters, rates, oldestInFlightMillis, schedule }) {
  text($('r-checked-in'), whole.format(rates.checkedIn));
  text($('r-loaded'), whole.format(rates.loaded));
  text($('oldest'), counters.inFlight === 0 ? 'none' : `${tenths.format(oldestInFlightMillis / 1000)} s`);
  text($('n-duplicates'), whole.format(counters.duplicates));
  text($('n-out-of-order'), whole.format(counters.outOfOrder));
  data($('order-panel'), 'broken', String(counters.outOfOrder > 0));
  text($('factor'), `one week replayed ${tenths.format(schedule.factor)} times as fast`);
}

function drawConvoy({ convoy, kafka, flow }) {
  text($('g-lanes'), whole.format(convoy.lanes));
  text($('g-running'), whole.format(convoy.running));
  text($('g-concurrency'), whole.format(convoy.concurrency));
  text($('g-admitted'), whole.format(convoy.admitted));
  text($('g-look-ahead'), whole.format(convoy.lookAhead));
  text($('g-lag'), whole.format(kafka.waiting));
  part($('b-running'), convoy.running / convoy.concurrency);
  part($('b-admitted'), convoy.admitted / convoy.lookAhead);
  data($('lamp-kafka'), 'state', kafka.up ? 'up' : 'down');
  text($('kafka-text'), kafka.up ? kafka.bootstrap : 'down');
  data($('lamp-flow'), 'state', flow.up ? 'up' : 'down');
  text($('flow-text'), flow.state);
}

// == departures ==

const lanes = new Map();

function drawBoard({ lanes: next, others, counters }) {
  $('first-steps').hidden = counters.checkedIn > 0;
  const keep = new Set(next.map((lane) => lane.key));
  for (const [key, view] of lanes) {
    if (!keep.has(key)) {
      view.root.remove();
      lanes.delete(key);
    }
  }
  const list = $('lanes');
  next.forEach((lane, index) => {
    let view = lanes.get(lane.key);
    if (!view) {
      view = openLane(lane, shown !== null);
      lanes.set(lane.key, view);
    }
    if (list.children[index] !== view.root) list.insertBefore(view.root, list.children[index] || null);
    drawLane(view, lane);
  });
  text($('others'), `and ${whole.format(others.flights)} other flights: ${bagCount(others.inFlight)} in flight, ${whole.format(others.loaded)} loaded`);
}

function openLane(lane, fresh) {
  const root = $('lane-template').content.firstElementChild.cloneNode(true);
  const find = (selector) => root.querySelector(selector);
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
  data(view.root, 'moving', String(view.bags.size > 0));
}

function moveBags(view, bags) {
  const listed = new Map(bags.map((bag) => [bag.tag, bag]));
  let queued = 0;
  for (const bag of bags) {
    const chip = view.bags.get(bag.tag);
    if (chip) {
      advance(view, chip, bag.stage);
    } else if (bag.sequence > view.seen && view.bags.size < BAGS_PER_LANE) {
      if (bag.stage === 'LOADED' && still.matches) continue;
      enter(view, bag, queued++);
    }
    if (bag.stage === 'LOADED') view.seen = Math.max(view.seen, bag.sequence);
  }
  // A chip whose bag left the list between two frames has been loaded or dead-lettered: it leaves the belt.
  for (const [tag, chip] of view.bags) if (!listed.has(tag)) advance(view, chip, 'LOADED');
}

function enter(view, bag, place) {
  const node = document.createElement('b');
  node.className = 'bag';
  node.dataset.stage = 'ENTERING';
  node.textContent = bag.tag.slice(-4);
  node.style.setProperty('--wait', `${place * STAGGER}ms`);
  view.belt.append(node);
  const chip = { node, tag: bag.tag, stage: 'ENTERING', place };
  view.bags.set(bag.tag, chip);
  // Two frames: the first paints the bag at the start of the belt, the second lets it travel.
  requestAnimationFrame(() => requestAnimationFrame(() => advance(view, chip, bag.stage)));
}

function advance(view, chip, stage) {
  if (chip.stage === stage || chip.stage === 'LOADED') return;
  const { node } = chip;
  if (chip.stage !== 'ENTERING') node.style.setProperty('--wait', '0s');
  else if (stage === 'LOADED') node.classList.add('whole-way');
  chip.stage = stage;
  node.dataset.stage = stage;
  node.style.setProperty('--travel', `${TRAVEL}ms`);
  // A queue forms in front of each stage: later bags stop a little earlier.
  const queue = stage === 'LOADED' ? 0 : (chip.place % 4) * 0.06;
  node.style.setProperty('--x', String(PLACES[stage] - queue));
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
  const left = Math.round((view.departsAt - Date.now() - clockOffset) / 1000);
  data(view.root, 'state', left <= 0 ? 'gone' : left <= 20 ? 'boarding' : 'open');
  text(view.countdown, left <= 0 ? 'departed' : clockFace(left));
}

function clockFace(seconds) {
  const two = (n) => String(n).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

// == dead letters ==

let deadLettersShown = '';

function drawDeadLetters({ deadLetters, counters }) {
  const signature = deadLetters.map((letter) => letter.record).join();
  text($('dead-count'), counters.deadLettered > deadLetters.length
    ? `the last ${deadLetters.length} of ${whole.format(counters.deadLettered)}`
    : '');
  if (signature === deadLettersShown) return;
  deadLettersShown = signature;
  $('dead-none').hidden = deadLetters.length > 0;
  $('dead-frame').hidden = deadLetters.length === 0;
  $('dead-letters').replaceChildren(...deadLetters.map(deadLetterRow));
}

function deadLetterRow(letter) {
  const row = document.createElement('tr');
  const cell = (name, value) => {
    const td = document.createElement('td');
    td.className = name;
    td.textContent = value;
    row.append(td);
    return td;
  };
  cell('when', timeOfDay.format(new Date(letter.at)));
  const reason = document.createElement('span');
  reason.textContent = letter.reason;
  cell('reason', '').append(reason);
  cell('detail', letter.detail);
  cell('record', letter.record);
  cell('preview', letter.preview);
  return row;
}

// == load ==

const rate = () => RATES[Number($('rate').value)];

function drawRate() {
  const words = `${bagCount(rate())} per second`;
  text($('rate-text'), words);
  $('rate').setAttribute('aria-valuetext', words);
  text($('first-start'), `Start ${words}`);
}

function drawLoad(load) {
  const running = load.state === 'running';
  text($('load-state'), load.state);
  data($('load-state'), 'state', load.state);
  $('load-start').disabled = running;
  $('first-start').disabled = running;
  $('load-stop').disabled = !running;
  const done = load.bags === 0 ? 0 : load.sent / load.bags;
  part($('load-progress').firstElementChild, done);
  $('load-progress').setAttribute('aria-valuenow', String(Math.floor(done * 100)));
  if (load.state === 'idle') {
    text($('load-text'), `Replays ${whole.format(load.flights)} real departures, bags in the order of departure.`);
  } else {
    text($('load-text'), `${whole.format(load.sent)} of ${whole.format(load.bags)} bags at ${whole.format(load.rate)} per second, ${whole.format(load.unreadable)} of them unreadable.`);
    if (load.failure) text($('load-error'), `The load has failed: ${load.failure}`);
  }
}

async function startLoad() {
  clearErrors('load', ['rate', 'bags', 'unreadable']);
  const query = new URLSearchParams({ rate: String(rate()), bags: $('bags').value.trim() });
  const percent = $('unreadable').value.trim();
  query.set('unreadableShare', percent !== '' && Number.isFinite(Number(percent)) ? String(Number(percent) / 100) : percent);
  const problem = await send('POST', `/api/load?${query}`);
  if (problem) showProblem(problem, 'load', { rate: 'rate', bags: 'bags', unreadableShare: 'unreadable' });
}

async function stopLoad() {
  clearErrors('load', []);
  const problem = await send('DELETE', '/api/load');
  if (problem) showProblem(problem, 'load', {});
}

// == check-in ==

async function checkIn() {
  clearErrors('check-in', ['tag', 'flight', 'date']);
  text($('check-in-done'), '');
  const bag = {};
  for (const field of ['tag', 'flight', 'date']) {
    const value = $(field).value.trim();
    if (value !== '') bag[field] = value;
  }
  $('check-in-send').disabled = true;
  const problem = await send('POST', '/api/bags', bag, (status, body) => {
    text($('check-in-done'), status === 201
      ? `${body.tag} is checked in for ${body.flight}: number ${body.sequence} of this flight.`
      : `${body.tag} was already checked in for ${body.flight}. It still counts once.`);
  });
  $('check-in-send').disabled = false;
  if (problem) showProblem(problem, 'check-in', { tag: 'tag', flight: 'flight', date: 'date' });
}

function newTag() {
  const digits = crypto.getRandomValues(new Uint32Array(2));
  $('tag').value = `9${String(digits[0] % 100000).padStart(5, '0')}${String(digits[1] % 10000).padStart(4, '0')}`;
}

async function offerFlights() {
  try {
    const response = await fetch('/api/flights', { headers: { accept: 'application/json' } });
    if (!response.ok) return;
    const { flights } = await response.json();
    const names = new Map(flights.map((flight) => [flight.flight, `${flight.origin} to ${flight.destination}`]));
    $('flights').replaceChildren(...[...names].map(([name, route]) => {
      const option = document.createElement('option');
      option.value = name;
      option.textContent = route;
      return option;
    }));
  } catch {
    // Without the list the field still takes any flight, and the server says whether it exists.
  }
}

// == requests and their problems ==

/** Sends a request; resolves to the problem it ended in, or to nothing. */
async function send(method, url, body, done = () => {}) {
  try {
    const response = await fetch(url, {
      method,
      headers: { accept: 'application/json, application/problem+json', ...(body && { 'content-type': 'application/json' }) },
      body: body && JSON.stringify(body),
    });
    const answer = await response.json();
    if (!response.ok) return answer;
    done(response.status, answer);
    return undefined;
  } catch {
    return { title: 'No answer', detail: 'Baggage control did not answer. Is it running?' };
  }
}

function showProblem(problem, form, inputs) {
  const rest = [];
  for (const { field, detail } of problem.errors || []) {
    const input = inputs[field];
    if (input === undefined) {
      rest.push(`${field}: ${detail}`);
      continue;
    }
    $(input).setAttribute('aria-invalid', 'true');
    text($(`${input}-error`), detail);
  }
  if (rest.length > 0 || !problem.errors || problem.errors.length === 0) {
    text($(`${form}-error`), rest.join(' ') || problem.detail || problem.title);
  }
  const first = $(form).querySelector('[aria-invalid="true"]');
  if (first) first.focus();
}

function clearErrors(form, inputs) {
  text($(`${form}-error`), '');
  for (const input of inputs) {
    $(input).removeAttribute('aria-invalid');
    text($(`${input}-error`), '');
  }
}

// == what a screen reader hears: changes of state, never the running figures ==

function announce(words) {
  text($('announce'), words);
}

function narrate(frame, before) {
  if (!before) return;
  if (frame.load.state !== before.load.state) {
    const said = {
      running: `Load started: ${whole.format(frame.load.bags)} bags at ${whole.format(frame.load.rate)} per second.`,
      finished: `Load finished: ${whole.format(frame.load.sent)} bags checked in.`,
      stopped: `Load stopped after ${whole.format(frame.load.sent)} bags.`,
      failed: `Load failed: ${frame.load.failure}`,
    }[frame.load.state];
    if (said) announce(said);
  } else if (before.counters.inFlight > 0 && frame.counters.inFlight === 0 && frame.load.state !== 'running') {
    announce(`All bags are settled: ${whole.format(frame.counters.loaded)} loaded, ${whole.format(frame.counters.deadLettered)} dead-lettered.`);
  }
  if (before.invariant.holds && !frame.invariant.holds) text($('alarm'), 'The balance is broken.');
}

// == start ==

$('load').addEventListener('submit', (event) => {
  event.preventDefault();
  startLoad();
});
$('load-stop').addEventListener('click', stopLoad);
$('first-start').addEventListener('click', startLoad);
$('rate').addEventListener('input', drawRate);
$('check-in').addEventListener('submit', (event) => {
  event.preventDefault();
  checkIn();
});
$('new-tag').addEventListener('click', newTag);

setInterval(() => {
  text($('clock'), timeOfDay.format(Date.now() + clockOffset));
  for (const view of lanes.values()) countDown(view);
  if (lastFrameAt > 0 && Date.now() - lastFrameAt > STALE_AFTER) link('lost');
}, 1000);

drawRate();
newTag();
offerFlights();
connect();
