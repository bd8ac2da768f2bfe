/* The sign above the hall: what is connected, and the clock. */

import { $, alarm, announce, data, tenths, text, timeOfDay } from '../page/kit.js';
import { latest, now, onLink, subscribe } from '../page/live.js';

export function start() {
  subscribe('frame', draw);
  onLink(linked);
  setInterval(() => text($('clock'), timeOfDay.format(now())), 1000);
}

function draw({ kafka, flow, schedule }) {
  lamp('kafka', kafka.up, kafka.up ? kafka.bootstrap : 'down');
  lamp('flow', flow.up, flow.state);
  text($('factor'), `one week replayed ${tenths.format(schedule.factor)} times as fast`);
}

function lamp(name, up, words) {
  data($(`lamp-${name}`), 'state', up ? 'up' : 'down');
  text($(`${name}-text`), words);
}

function linked(state, before) {
  $('outage').hidden = state !== 'lost';
  lamp('link', state === 'up', state === 'up' ? 'connected' : 'lost');
  if (state === 'lost') {
    const frame = latest('frame');
    const since = frame ? `What you see is from ${timeOfDay.format(frame.at)}. ` : '';
    text($('outage-text'), `${since}Reconnecting…`);
    for (const name of ['kafka', 'flow']) {
      data($(`lamp-${name}`), 'state', 'unknown');
      text($(`${name}-text`), 'unknown');
    }
    alarm('Connection to baggage control lost.');
  } else {
    alarm('');
    if (before === 'lost') announce('Connected again.');
  }
}
