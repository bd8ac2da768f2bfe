/* Transfers: an aircraft lands, its bags wait by urgency, stations open as the queue grows, a belt levels the load. */

import { $, announce, count, data, element, form, part, send, text, whole } from '../page/kit.js';
import { subscribe } from '../page/live.js';

const INPUTS = { bags: 'land-bags', late: 'land-late' };
/** What a full bar stands for. */
const FULL_QUEUE = 300;
const FULL_BELT = 300;

export function start() {
  subscribe('screening', draw);
  form('land', INPUTS, (fields) => send('POST', `/api/transfers?${new URLSearchParams(fields)}`), landed);
}

function draw({ waiting, stations, mostStations, onBelt, atScanner, screened, scanned }) {
  text($('t-waiting'), whole.format(waiting));
  part($('t-waiting-bar'), waiting / FULL_QUEUE);
  text($('t-stations'), whole.format(stations));
  text($('t-most'), whole.format(mostStations));
  const places = $('t-places');
  while (places.children.length < mostStations) places.append(element('i'));
  [...places.children].forEach((place, index) => data(place, 'open', index < stations));
  text($('t-screened'), `${whole.format(screened)} screened`);
  text($('t-belt'), whole.format(onBelt + atScanner));
  part($('t-belt-bar'), (onBelt + atScanner) / FULL_BELT);
  text($('t-scanned'), whole.format(scanned));
}

function landed({ body }) {
  const { TIGHT = 0, TRANSFER = 0, LOCAL = 0 } = body.connections;
  const said = `${count(body.bags, 'bag')}: ${whole.format(TIGHT)} with a tight connection, ${whole.format(TRANSFER)} transfers, ${whole.format(LOCAL)} local.`;
  text($('land-done'), said);
  announce(`An aircraft has landed. ${said}`);
}
