/* The bridges to the old baggage system: a light for each, the switches, and what has come back. */

import { $, alarm, count, data, duration, element, keep, part, report, send, tenths, text } from '../page/kit.js';
import { subscribe } from '../page/live.js';

const STATES = { UP: 'up', TARGET_AWAY: 'target away, probed', PAUSED: 'paused', STALLED: 'dead letters refused', DOWN: 'down' };
const NAMES = { 'legacy-to-airport': 'To the airport', 'airport-to-legacy': 'To the old system' };
const LONG = 30_000;

const lights = new Map();
const lines = new Map();

export function start() {
  subscribe('bridge', draw);
  $('bridge-announce').addEventListener('click', () => order('announcements', 'The old system announces 20 bags.'));
  $('bridge-outage').addEventListener('click', () => order('outage', 'The wires are cut.'));
  $('bridge-pause').addEventListener('click', () => order('pause', 'The bridges are paused.'));
  $('bridge-resume').addEventListener('click', () => order('resume', 'The wires are mended.'));
}

const order = (what, said) => report(send('POST', `/api/bridge/${what}`), $('bridge-error'), said);

function draw({ cut, paused, announced, heard, bridges, lines: newest }, before) {
  const how = cut ? 'The wires are cut' : paused ? 'Paused' : 'Open';
  text($('bridge-said'), `${how}; ${count(announced, 'bag')} announced, ${count(heard, 'answer')} heard`);
  keep($('bridge-lights'), lights, bridges, (bridge) => bridge.name, open, drawLight);
  $('heard-none').hidden = newest.length > 0;
  keep($('heard'), lines, newest, (line) => line, (line) => ({ root: element('li', {}, element('code', {}, line)) }), () => {});
  if (before && cut !== before.cut) alarm(cut ? 'The old baggage system cannot be reached.' : '');
}

function open({ name }) {
  const bar = element('i');
  const words = element('span', { className: 'quiet' });
  const root = element('li', {}, element('b', {}, NAMES[name] || name),
    element('span', { className: 'bar', 'aria-hidden': 'true' }, bar), words);
  return { root, bar, words };
}

function drawLight({ root, bar, words }, { state, crossed, echoes, outages, rate, lag, oldestMillis }) {
  data(root, 'leg', state === 'UP' ? 'ANSWERED' : 'FAILED');
  part(bar, state === 'UP' ? 1 : Math.max(0.05, oldestMillis / LONG));
  const behind = lag ? `, ${count(lag, 'message')} behind` : '';
  const oldest = oldestMillis > 0 ? `, the oldest for ${duration(oldestMillis)}` : '';
  text(words, `${STATES[state] || state}: ${count(crossed, 'message')} crossed, ${tenths.format(rate)} a second, ${count(echoes, 'echo', 'echoes')} kept back, ${count(outages, 'outage')}${behind}${oldest}`);
}
