/* The load generator. */

import { $, announce, clearProblem, count, data, form, part, report, send, text, whole } from '../page/kit.js';
import { subscribe } from '../page/live.js';

const RATES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];
const INPUTS = { rate: 'rate', bags: 'load-bags', unreadableShare: 'unreadable' };

export function start() {
  subscribe('frame', ({ load }, before) => {
    draw(load);
    if (before && before.load.state !== load.state) narrate(load);
  });
  form('load', INPUTS, begin, () => {});
  $('first-start').addEventListener('click', () => $('load').requestSubmit());
  $('load-stop').addEventListener('click', () => report(send('DELETE', '/api/load'), $('load-error')));
  $('rate').addEventListener('input', drawRate);
  drawRate();
}

const rate = () => RATES[Number($('rate').value)];

function drawRate() {
  const words = `${count(rate(), 'bag')} per second`;
  text($('rate-text'), words);
  $('rate').setAttribute('aria-valuetext', words);
  text($('first-start'), `Start ${words}`);
}

function draw(load) {
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

/** The field is in percent, and the server is told a share; what is no number it explains itself. */
function begin({ unreadableShare: percent = '', ...fields }) {
  const share = Number(percent || NaN) / 100;
  const unreadableShare = Number.isNaN(share) ? percent : share;
  return send('POST', `/api/load?${new URLSearchParams({ ...fields, rate: rate(), unreadableShare })}`);
}

function narrate(load) {
  const said = {
    running: `Load started: ${whole.format(load.bags)} bags at ${whole.format(load.rate)} per second.`,
    finished: `Load finished: ${whole.format(load.sent)} bags checked in.`,
    stopped: `Load stopped after ${whole.format(load.sent)} bags.`,
    failed: `Load failed: ${load.failure}`,
  }[load.state];
  if (said) announce(said);
}
