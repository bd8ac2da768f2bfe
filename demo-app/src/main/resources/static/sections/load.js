/* The load generator. */

import { $, announce, clearProblem, count, data, onSubmit, part, send, showProblem, text, whole } from '../page/kit.js';
import { subscribe } from '../page/live.js';

const RATES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];
const INPUTS = { rate: 'rate', bags: 'load-bags', unreadableShare: 'unreadable' };

export function start() {
  subscribe('frame', ({ load }, before) => {
    draw(load);
    if (before && before.load.state !== load.state) narrate(load);
  });
  onSubmit('load', startLoad);
  $('load-stop').addEventListener('click', stopLoad);
  $('first-start').addEventListener('click', startLoad);
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

async function startLoad() {
  clearProblem('load', INPUTS);
  const query = new URLSearchParams({ rate: String(rate()), bags: $('load-bags').value.trim() });
  const percent = $('unreadable').value.trim();
  query.set('unreadableShare', percent !== '' && Number.isFinite(Number(percent)) ? String(Number(percent) / 100) : percent);
  const { ok, body } = await send('POST', `/api/load?${query}`);
  if (!ok) showProblem(body, 'load', INPUTS);
}

async function stopLoad() {
  clearProblem('load');
  const { ok, body } = await send('DELETE', '/api/load');
  if (!ok) showProblem(body, 'load');
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
