/* The balance of all bags: in one line above every topic, and in full above the bags. */

import { $, alarm, data, part, text, whole } from '../page/kit.js';
import { subscribe } from '../page/live.js';

export function start() {
  subscribe('frame', draw);
}

function draw({ counters, invariant }, before) {
  const bags = {
    'checked-in': counters.checkedIn,
    loaded: counters.loaded,
    'in-flight': counters.inFlight,
    parked: counters.parked ?? 0,
    dead: counters.deadLettered,
  };
  const all = Math.max(1, bags.loaded + bags['in-flight'] + bags.parked + bags.dead);
  for (const [term, number] of Object.entries(bags)) {
    text($(`n-${term}`), whole.format(number));
    text($(`s-${term}`), whole.format(number));
    if (term !== 'checked-in') part($(`share-${term}`), number / all);
  }
  // In one line there is no room for what is usually 0.
  $('s-term-parked').hidden = bags.parked === 0;

  const off = invariant.difference;
  data($('balance'), 'holds', invariant.holds);
  data($('strip'), 'holds', invariant.holds);
  const tilt = off === 0 ? 0 : Math.sign(-off) * Math.min(14, 5 + Math.log2(Math.abs(off)) * 2);
  $('beam').style.setProperty('--tilt', `${tilt}deg`);
  const amount = whole.format(Math.abs(off));
  text($('verdict'), invariant.holds ? 'The balance holds' : `The balance is off by ${amount}`);
  text($('s-verdict'), invariant.holds ? 'holds' : `off by ${amount}`);
  const broken = invariant.violations === 0 ? 'no violation' : `${whole.format(invariant.violations)} violations`;
  text($('samples'), `${whole.format(invariant.samples)} samples, ${broken}`);
  if (before?.invariant.holds && !invariant.holds) alarm('The balance is broken.');
}
