/* The tour: /?tour=1 tells in three minutes what there is to see. With &speed=20 it is told 20 times as fast. */

import { send, whole } from '../page/kit.js';
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

/** A condition on how a number has grown since `from` was called. */
function growth(number) {
  let start = 0;
  return {
    from: () => { start = number(); },
    by: (least) => number() - start >= least,
  };
}

const loaded = growth(() => counters().loaded);

const STEPS = [
  {
    at: 'balance',
    title: 'Nothing is lost',
    caption: 'Every bag that is checked in is loaded, in flight, parked or dead-lettered. The page checks that sum after every record, whatever this tour is going to break.',
    seconds: 12,
    act: async () => {
      loaded.from();
      await order('POST', '/api/load?rate=100&bags=100000&unreadableShare=0.002');
    },
    until: () => loaded.by(10),
  },
  {
    at: 'board',
    title: 'Sequential convoy',
    caption: 'Bags of one flight are loaded one after the other, in the order of their check-in. Flights load at the same time: one that is slow holds up nobody else.',
    seconds: 14,
    act: async () => loaded.from(),
    until: () => loaded.by(100),
  },
  {
    at: 'convoy',
    title: 'Backpressure',
    caption: 'Passengers come faster than bags are loaded? They wait in Kafka. What the convoy has taken from it never exceeds its bound.',
    seconds: 12,
  },
  {
    at: 'dead-letters',
    title: 'Dead letters',
    caption: 'Some tags cannot be read. Their records go aside with the reason, and the next bag does not wait for them.',
    seconds: 12,
    until: () => counters().deadLettered > 0,
  },
  {
    at: 'patterns',
    title: 'One operator each',
    caption: 'Each of these jobs is one operator of Sluice, on any Flux or between any two channels. Follow a link to see it at work.',
    seconds: 10,
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

async function run(speed) {
  const before = latest('frame');
  const missed = await tell(STEPS, speed, () => order('DELETE', '/api/load'));
  const { counters: sums, invariant } = latest('frame');
  const bags = whole.format(sums.checkedIn - before.counters.checkedIn);
  const held = invariant.violations === before.invariant.violations;
  showEnd(
    held ? 'The balance has held' : 'The balance is broken',
    `${bags} bags, ${whole.format(invariant.samples - before.invariant.samples)} samples of the balance, ${held ? 'no violation' : 'violations'}.${missed.length > 0 ? ` Missed: ${missed.join(', ')}.` : ''}`);
}
