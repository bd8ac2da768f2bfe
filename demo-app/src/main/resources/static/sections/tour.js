/* The tour: /?tour=1 tells in three minutes what there is to see. With &speed=20 it is told 20 times as fast. */

import { $, newTag, send, whole } from '../page/kit.js';
import { latest, subscribe } from '../page/live.js';
import { showEnd, startStory, tell } from '../page/story.js';

const FASTEST = 100;

const counters = () => latest('frame').counters;

/** Sends a request that must not be refused. */
async function order(method, url, body) {
  const { ok, status, body: answer } = await send(method, url, body);
  if (!ok) throw new Error(`${method} ${url}: ${status} ${answer.detail || ''}`);
  return answer;
}

/** Bags have to come, also when a load has ended or was broken by what the tour does. */
async function load() {
  if (latest('frame').load.state !== 'running') await order('POST', '/api/load?rate=100&bags=100000&unreadableShare=0.002');
}

/** How far a number has grown since `from` was called. */
function growth(number) {
  let start = 0;
  return {
    from: () => { start = number(); },
    by: (least) => number() - start >= least,
  };
}

const loaded = growth(() => counters().loaded);
const parked = () => latest('convoys').parked.map((flight) => flight.key);

/** The flight whose belt is jammed: the last on the board, which has time. */
const jammed = { key: '', flight: '', date: '' };

async function jam() {
  const { lanes } = latest('frame');
  const lane = lanes[lanes.length - 1];
  Object.assign(jammed, { key: lane.key, flight: lane.flight, date: lane.key.slice(-10) });
  await order('POST', `/api/chaos/jam-flight?${new URLSearchParams({ flight: jammed.flight, date: jammed.date })}`);
  for (let i = 0; i < 5; i++) await order('POST', '/api/bags', { tag: newTag(), flight: jammed.flight, date: jammed.date });
}

/** A letter that tells everything but its tag. */
async function repairOne() {
  for (const letter of latest('frame').deadLetters.filter(({ reason }) => reason === 'UNREADABLE')) {
    const { told } = await order('GET', `/api/dead-letters/${letter.id}`);
    if (told.flight && told.date) {
      await order('POST', `/api/dead-letters/${letter.id}/redrive`, { tag: newTag(), flight: told.flight, date: told.date });
      return;
    }
  }
  throw new Error('no letter that can be repaired');
}

/** The filters as they were before the tour moved them; empty when they are in their places. */
let places = [];
const putInOrder = (names) => `/api/pipeline/order?${new URLSearchParams({ filters: names.join() })}`;

async function reorder() {
  const names = latest('scans').stages.map(({ name }) => name);
  const others = names.filter((name) => name !== 'measure');
  places = names;
  await order('PUT', putInOrder(['measure', ...others]));
  const { status } = await send('PUT', putInOrder([...others.reverse(), 'measure']));
  if (status !== 409) throw new Error(`an order that cannot work: ${status}`);
  await order('POST', '/api/scans?bags=20');
}

async function putBack() {
  if (places.length > 0) await order('PUT', putInOrder(places));
  places = [];
}

const STRAY_BAGS = 3;
const STRAY_CAROUSEL = 4;
/** The flight whose bags have no carousel, and its airline once the tour has given it one. */
const stray = { flight: '', routed: '' };
const unrouted = () => latest('frame').deadLetters.filter(({ reason, preview }) => reason === 'UNROUTABLE' && preview.includes(stray.flight));

async function unload() {
  const { flights } = await order('GET', '/api/flights');
  const known = latest('carousels').routes.map(({ key }) => key);
  stray.flight = flights.map(({ flight }) => flight).find((flight) => !known.includes(flight) && !known.includes(flight.slice(0, 2)));
  await order('POST', `/api/carousels/bags?${new URLSearchParams({ bags: STRAY_BAGS, flight: stray.flight })}`);
}

async function giveRoute() {
  const letters = unrouted();
  await order('PUT', `/api/carousels/routes/${stray.flight.slice(0, 2)}?carousel=${STRAY_CAROUSEL}`);
  stray.routed = stray.flight.slice(0, 2);
  for (const { id } of letters) await order('POST', `/api/dead-letters/${id}/redrive`);
}

async function removeRoute() {
  if (latest('carousels').routes.some(({ key }) => key === stray.routed)) await order('DELETE', `/api/carousels/routes/${stray.routed}`);
}

const fault = (name, on) => order('PUT', `/api/rebookings/faults/${name}?on=${on}`);

let booking = '';
/** The saga of the tour's last passenger; without a state until it has begun. */
const saga = () => latest('rebookings').sagas.find(({ trip }) => trip.booking === booking) ?? {};

async function rebook() {
  booking = `T${newTag().slice(-5)}`;
  await order('POST', '/api/rebookings', { booking, flight: 'B6 108' });
}

const crew = (name, works) => order('PUT', `/api/turnarounds/crews/${name}?works=${works}`);

let turned = '';
/** The steps of the tour's turnaround; none until it has begun. */
const turnaround = () => latest('turnarounds').turnarounds.find(({ id }) => id === turned)?.steps ?? [];

const participant = (name, does) => order('PUT', `/api/arrivals/participants/${name}?does=${does}`);
const stopped = growth(() => latest('arrivals').events['belt.stopped'] ?? 0);

const bridges = () => latest('bridge').bridges;
const crossed = growth(() => bridges()[0].crossed);

const late = growth(() => latest('customs').late);

const screen = (name, broken) => order('PUT', `/api/screens/${name}?broken=${broken}`);
const screens = Object.fromEntries(['hall', 'delays'].map((name) => [
  name,
  growth(() => latest('screens').screens.find((each) => each.name === name).shown),
]));

const STEPS = [
  {
    at: 'balance',
    title: 'Nothing is lost',
    caption: 'Every bag that is checked in is loaded, in flight, parked or dead-lettered. The sum is checked after every record, whatever this tour is going to break.',
    seconds: 8,
    act: async () => {
      loaded.from();
      await load();
    },
    until: () => loaded.by(10),
  },
  {
    at: 'board',
    title: 'Sequential convoy',
    caption: 'Bags of one flight are loaded one after the other, in the order of their check-in. Flights load at the same time: a slow one holds up nobody else.',
    seconds: 8,
    act: async () => loaded.from(),
    until: () => loaded.by(100),
  },
  {
    at: 'convoy',
    title: 'Backpressure',
    caption: 'Bags come faster than they are loaded? They wait in Kafka. What the convoy has taken from it never exceeds its bound.',
    seconds: 6,
  },
  {
    at: 'parked',
    title: 'A belt is jammed',
    caption: 'The belt of one flight is jammed. A bag that cannot be loaded must not be overtaken: its flight is parked, in order, and the others go on.',
    seconds: 7,
    act: jam,
    until: () => parked().includes(jammed.key),
  },
  {
    at: 'parked',
    title: 'Released by hand',
    caption: 'Somebody clears the belt and releases the flight. Its bags go on from the first that was stuck; "out of order" stays at 0.',
    seconds: 6,
    act: () => order('POST', `/api/convoys/${jammed.key}/release`),
    until: () => !parked().includes(jammed.key) && counters().outOfOrder === 0,
  },
  {
    at: 'filters-panel',
    title: 'Filters change places',
    caption: 'A scan is six filters. Measuring has just become the first while bags pass: each bag sees one order. An order that cannot work was refused.',
    seconds: 7,
    act: reorder,
    until: () => latest('scans').last[0]?.way[0] === 'measure',
    after: putBack,
  },
  {
    at: 'queue',
    title: 'An aircraft lands',
    caption: 'Two hundred bags come at once, and the scanner is slow. They wait by urgency; stations open as the queue grows, and the belt keeps what the scanner cannot take.',
    seconds: 8,
    act: async () => {
      await order('POST', '/api/chaos/slow-scanner?on=true');
      await order('POST', '/api/transfers?bags=200&late=5');
    },
    until: () => latest('screening').stations > 1 && latest('screening').onBelt > 0,
    after: () => order('POST', '/api/chaos/slow-scanner?on=false'),
  },
  {
    at: 'dead-letters',
    title: 'Dead letters',
    caption: 'A scanner reads question marks where digits are. Nobody can load these records: they are kept with the reason, and the next bag does not wait for them.',
    seconds: 7,
    act: () => order('POST', '/api/chaos/corrupt-tags?bags=10'),
    until: () => latest('frame').deadLetters.length >= 10,
  },
  {
    at: 'dead-letters',
    title: 'Repaired and sent back',
    caption: 'One of them gets a readable tag and goes back to where it came from. It counts once, and is loaded like any other.',
    seconds: 6,
    act: async () => {
      loaded.from();
      await repairOne();
    },
    until: () => loaded.by(1),
  },
  {
    at: 'arrivals',
    title: 'Nobody directs',
    caption: 'An aircraft arrives, and everybody acts on what the others make known. The crew of the belt refuses, and says so: others act on that, too.',
    seconds: 7,
    act: async () => {
      stopped.from();
      await participant('belt', 'refuses');
      await order('POST', '/api/arrivals', { flight: 'B6 108' });
    },
    until: () => stopped.by(1),
    after: () => participant('belt', 'works'),
  },
  {
    at: 'carousel-panel',
    title: 'No carousel for this airline',
    caption: 'A table says which bags go to which carousel. It does not know the airline of this flight: its bags are not guessed at, but kept.',
    seconds: 7,
    act: unload,
    until: () => unrouted().length >= STRAY_BAGS,
  },
  {
    at: 'carousel-panel',
    title: 'The table is swapped',
    caption: 'Now it has a row for them, while other bags are routed. The dead letters are sent back, and arrive.',
    seconds: 6,
    act: giveRoute,
    until: () => latest('carousels').carousels[STRAY_CAROUSEL - 1].last.some(({ flight }) => flight === stray.flight),
  },
  {
    at: 'turnarounds',
    title: 'A crew that is gone',
    caption: 'Fuel and cleaning come first, then loading. The fuel crew has just been killed: a supervisor notices, and gives its step to the crew that stands by.',
    seconds: 8,
    act: async () => {
      await crew('fuel', false);
      turned = (await order('POST', '/api/turnarounds', { flight: 'B6 108' })).id;
    },
    until: () => turnaround().some(({ name, crew: by, state }) => name === 'fuel' && by === 'standby' && state === 'DONE'),
    after: () => crew('fuel', true),
  },
  {
    at: 'rebookings',
    title: 'All or nothing',
    caption: 'A passenger has missed a flight, and the hotel is full. The saga gives the seat back: each step that was done is undone, in reverse order.',
    seconds: 7,
    act: async () => {
      await fault('hotel', true);
      await rebook();
    },
    until: () => saga().state === 'COMPENSATED',
    after: () => fault('hotel', false),
  },
  {
    at: 'rebookings',
    title: 'Neither forward nor backward',
    caption: 'Now there is no ticket, and the bank gives nothing back. What can be neither done nor undone is not dropped: it is parked for a person.',
    seconds: 7,
    act: async () => {
      await fault('ticket', true);
      await fault('refund', true);
      await rebook();
    },
    until: () => saga().state === 'PARKED',
    after: async () => {
      await fault('ticket', false);
      await fault('refund', false);
    },
  },
  {
    at: 'rebookings',
    title: 'A person decides',
    caption: 'The bank is asked once more, and pays. The journal in PostgreSQL says what has happened; a crash would not have stopped it.',
    seconds: 6,
    act: () => order('POST', `/api/sagas/${encodeURIComponent(saga().id)}/resume`, { why: 'decided by the tour' }),
    until: () => saga().state === 'COMPENSATED',
  },
  {
    at: 'quotes',
    title: 'Scatter and gather',
    caption: 'Five airlines are asked for a seat at once. Three answers are enough, within 800 ms; the slow are asked twice, the late do not count.',
    seconds: 7,
    act: async () => $('quote').requestSubmit(),
    until: () => $('quote-done').textContent !== '',
  },
  {
    at: 'claims',
    title: 'Answered later',
    caption: 'A bag is lost. The request is answered with 202 once it is kept; its progress is a stream, the answer comes later.',
    seconds: 6,
    act: async () => {
      const bag = latest('frame').lanes.flatMap((lane) => lane.bags)[0];
      $('claim-tag').value = bag ? bag.tag : newTag();
      $('claim').requestSubmit();
    },
    until: () => $('claim-list').children.length > 0,
  },
  {
    at: 'screens-panel',
    title: 'Not felt by the others',
    caption: 'What happens to flights is published to screens, which want different things. The one in the hall is broken; the others show everything.',
    seconds: 6,
    act: async () => {
      screens.hall.from();
      screens.delays.from();
      await screen('hall', true);
      await order('POST', '/api/flight-events', { flight: 'B6 108', kind: 'delayed' });
    },
    until: () => screens.delays.by(1),
    after: () => screen('hall', false),
  },
  {
    at: 'screens-panel',
    title: 'It catches up',
    caption: 'The hall works again, and begins where it stopped: the topic has kept what it missed.',
    seconds: 5,
    until: () => screens.hall.by(1),
  },
  {
    at: 'checks',
    title: 'Too late is counted',
    caption: 'Customs is asked over a queue, and has become slow. Who asks waits for two seconds; the answer that comes later is counted.',
    seconds: 6,
    act: async () => {
      late.from();
      await order('POST', '/api/chaos/slow-customs?on=true');
      const { tag } = await order('POST', '/api/bags', { tag: newTag(), flight: 'B6 108' });
      // Nobody answers in time: that is what is to be seen.
      await send('POST', `/api/bags/${tag}/customs`);
    },
    until: () => late.by(1),
    after: () => order('POST', '/api/chaos/slow-customs?on=false'),
  },
  {
    at: 'bridges',
    title: 'Two worlds',
    caption: 'An old system writes fixed columns on Kafka, the airport JSON on PostgreSQL. The wires between them are cut: messages wait, and only one probes.',
    seconds: 7,
    act: async () => {
      crossed.from();
      await order('POST', '/api/bridge/outage');
      await order('POST', '/api/bridge/announcements');
    },
    until: () => bridges()[0].state === 'TARGET_AWAY',
    after: () => order('POST', '/api/bridge/resume'),
  },
  {
    at: 'bridges',
    title: 'All of it crosses, once',
    caption: 'The wires are mended. What has waited crosses in its order, answers cross back, and what the old system repeats does not go round.',
    seconds: 6,
    until: () => crossed.by(20),
  },
  {
    at: 'kill-title',
    title: 'The database goes away',
    caption: 'Every connection to PostgreSQL has just been killed. New ones are made; what was begun is undone, and done again.',
    seconds: 6,
    act: async () => {
      loaded.from();
      await order('POST', '/api/chaos/kill-connections');
    },
    until: () => loaded.by(50),
  },
  {
    at: 'stop-broker-title',
    title: 'Kafka stops',
    caption: 'Kafka is stopped while bags are being loaded. What is not confirmed is not acknowledged: the flow waits, and keeps what it has.',
    seconds: 6,
    act: () => order('POST', '/api/chaos/stop-broker?on=true'),
    until: () => !latest('frame').kafka.up,
    after: () => order('POST', '/api/chaos/stop-broker?on=false'),
  },
  {
    at: 'board',
    title: 'Kafka is back',
    caption: 'The flow goes on where it was. Some bags may be delivered twice: "duplicates absorbed" counts them, and they are loaded once.',
    seconds: 7,
    act: async () => loaded.from(),
    until: () => {
      const { kafka, flow } = latest('frame');
      return kafka.up && flow.up && loaded.by(1);
    },
  },
  {
    at: 'patterns',
    title: 'One operator each',
    caption: 'Each of these jobs is one operator of Sluice, on any Flux or between any two channels. Follow a link to see it.',
    seconds: 6,
  },
];

export function start() {
  startStory();
  const query = new URLSearchParams(location.search);
  if (!query.has('tour')) return;
  const speed = Math.min(FASTEST, Math.max(0.1, Number(query.get('speed')) || 1));
  // It is told about what is seen, so it begins with the first picture.
  let begun = false;
  subscribe('frame', () => {
    if (begun) return;
    begun = true;
    run(speed);
  });
}

/** What is still as the tour has made it, and how it is undone. */
function* repairs() {
  yield order('DELETE', '/api/load');
  for (const [name, on] of Object.entries(latest('rebookings').faults)) if (on) yield fault(name, false);
  if (latest('chaos').slowCustoms) yield order('POST', '/api/chaos/slow-customs?on=false');
  if (latest('chaos').slowScanner) yield order('POST', '/api/chaos/slow-scanner?on=false');
  if (latest('chaos').brokerStopped) yield order('POST', '/api/chaos/stop-broker?on=false');
  for (const [name, works] of Object.entries(latest('turnarounds').crews)) if (!works) yield crew(name, true);
  for (const [name, duty] of Object.entries(latest('arrivals').duties)) if (duty !== 'WORKS') yield participant(name, 'works');
  for (const { name, broken } of latest('screens').screens) if (broken) yield screen(name, false);
  if (latest('bridge').cut || latest('bridge').paused) yield order('POST', '/api/bridge/resume');
  if (latest('chaos').jammed.includes(jammed.key)) yield order('POST', `/api/convoys/${jammed.key}/release`);
  yield putBack();
  yield removeRoute();
}

/** Nothing stays broken, however the tour ends: what cannot be mended does not keep the rest from it. */
async function mend() {
  const failures = [];
  for (const repair of repairs()) await repair.catch((failure) => failures.push(failure.message));
  if (failures.length > 0) throw new Error(failures.join('; '));
}

async function run(speed) {
  const before = latest('frame');
  const missed = await tell(STEPS, speed, mend);
  const { counters: sums, invariant } = latest('frame');
  const bags = whole.format(sums.checkedIn - before.counters.checkedIn);
  const held = invariant.violations === before.invariant.violations;
  showEnd(
    held ? 'The balance has held' : 'The balance is broken',
    `${bags} bags, ${whole.format(invariant.samples - before.invariant.samples)} samples of the balance, ${held ? 'no violation' : 'violations'}.${missed.length > 0 ? ` Missed: ${missed.join(', ')}.` : ''}`);
}
