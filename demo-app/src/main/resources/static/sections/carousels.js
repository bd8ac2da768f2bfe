/* Carousels: which bags go to which, by a table that is swapped while it runs. What it does not know is a dead letter. */

import { $, announce, count, element, form, keep, report, send, text, whole } from '../page/kit.js';
import { subscribe } from '../page/live.js';

const UNLOAD = { bags: 'unload-bags', flight: 'unload-flight' };
const ROUTE = { key: 'route-key', carousel: 'route-carousel' };

const belts = new Map();
const rows = new Map();

export function start() {
  subscribe('carousels', draw);
  form('unload', UNLOAD, (fields) => send('POST', `/api/carousels/bags?${new URLSearchParams(fields)}`),
    ({ body }) => announce(`${count(body.bags, 'bag')} out of the hold.`));
  form('route', ROUTE, ({ key = '-', carousel }) => send('PUT', `/api/carousels/routes/${encodeURIComponent(key)}?carousel=${carousel}`),
    (answer, { key, carousel }) => announce(`Bags of ${key} go to carousel ${carousel}.`));
}

function draw({ swaps, unroutable, routes, carousels }) {
  text($('routes-swapped'), swaps === 0 ? 'as it was at the start' : `swapped ${swaps === 1 ? 'once' : `${whole.format(swaps)} times`}`);
  text($('unroutable'), unroutable === 0 ? 'every bag had one' : `${count(unroutable, 'bag')} had none`);
  keep($('carousel-list'), belts, carousels, ({ number }) => number, openBelt, drawBelt);
  keep($('routes'), rows, routes, ({ key }) => key, openRoute, drawRoute);
}

function openBelt({ number }) {
  const bags = element('span', { className: 'big' });
  const last = element('ol', { className: 'landed-bags' });
  return { bags, last, seen: -1, root: element('li', {}, element('h4', {}, `Carousel ${number}`), bags, last) };
}

function drawBelt(view, { bags, last }) {
  if (view.seen === bags) return;
  view.seen = bags;
  text(view.bags, whole.format(bags));
  view.last.replaceChildren(...last.map(({ tag, flight }) => element('li', {}, element('b', {}, flight), ` ${tag}`)));
}

function openRoute({ key }) {
  const words = element('span', {});
  const remove = element('button', { type: 'button', 'aria-label': `Remove the route of ${key}` }, 'Remove');
  remove.addEventListener('click', () => report(send('DELETE', `/api/carousels/routes/${encodeURIComponent(key)}`),
    $('route-error'), `There is no route for ${key} any more.`));
  return { words, root: element('li', {}, element('span', { className: 'flight' }, key), words, remove) };
}

function drawRoute({ words }, { carousel }) {
  text(words, `carousel ${carousel}`);
}
