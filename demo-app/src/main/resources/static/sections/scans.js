/* The scan: filters that can be put into another order, and what each has done. The server refuses what does not add up. */

import { $, announce, count, duration, element, form, keep, report, send, text, whole } from '../page/kit.js';
import { subscribe } from '../page/live.js';

const INPUTS = { bags: 'scan-bags', unreadable: 'scan-unreadable' };

const stages = new Map();
const scans = new Map();
let order = [];

export function start() {
  subscribe('scans', draw);
  form('scan-form', INPUTS, (fields) => send('POST', `/api/scans?${new URLSearchParams(fields)}`), () => announce('The bags are under the scanner.'));
}

function draw({ scanned, stages: shown, last }) {
  order = shown.map(({ name }) => name);
  text($('scanned'), `${count(scanned, 'bag')} scanned`);
  const focused = document.activeElement;
  keep($('filters'), stages, shown, ({ name }) => name, open, drawStage);
  // What is moved loses the focus.
  if (focused && focused.closest('#filters') && document.activeElement !== focused) focused.focus({ preventScroll: true });
  $('scans-none').hidden = last.length > 0;
  keep($('scans'), scans, last, ({ label }) => label, openScan, () => {});
}

function open({ name, requires, provides }) {
  const earlier = element('button', { type: 'button', 'aria-label': `${name} one earlier` }, '↑');
  const later = element('button', { type: 'button', 'aria-label': `${name} one later` }, '↓');
  const parts = element('span', { className: 'quiet' });
  earlier.addEventListener('click', () => move(name, -1));
  later.addEventListener('click', () => move(name, 1));
  const facets = [requires.length > 0 && `needs ${requires.join(', ')}`, provides.length > 0 && `gives ${provides.join(', ')}`].filter(Boolean).join('; ');
  return { earlier, later, parts, root: element('li', {},
    element('div', {}, element('b', {}, name), element('code', {}, facets)), parts,
    element('span', { className: 'moves' }, earlier, later)) };
}

function drawStage({ earlier, later, parts }, stage) {
  earlier.ariaDisabled = String(stage.name === order[0]);
  later.ariaDisabled = String(stage.name === order[order.length - 1]);
  text(parts, stage.parts.map(({ name, bags, failed, busyMillis }) => {
    const who = stage.parts.length > 1 ? `${name}: ` : '';
    return `${who}${count(bags, 'bag')}${failed > 0 ? `, ${whole.format(failed)} failed` : ''}, ${duration(busyMillis)}`;
  }).join(' · '));
}

async function move(name, by) {
  const from = order.indexOf(name);
  const to = from + by;
  if (to < 0 || to >= order.length) return;
  const next = [...order];
  next.splice(to, 0, ...next.splice(from, 1));
  await report(send('PUT', `/api/pipeline/order?${new URLSearchParams({ filters: next.join() })}`),
    $('filters-error'), `${name} is now number ${to + 1} of ${order.length}.`);
}

function openScan({ label, kilos, litres, destination, way }) {
  return { root: element('li', {}, element('b', {}, label), element('span', {}, `to ${destination}, ${kilos} kg, ${litres} l`),
    element('span', { className: 'quiet' }, way.join(' → '))) };
}
