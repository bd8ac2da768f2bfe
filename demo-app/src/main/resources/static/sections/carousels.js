/* Carousels: which bags go to which, by a table that is swapped while it runs. What it does not know is a dead letter. */

import { $, announce, clearProblem, count, element, keep, onSubmit, problemText, send, showProblem, text, whole } from '../page/kit.js';
import { subscribe } from '../page/live.js';

const UNLOAD = { bags: 'unload-bags', flight: 'unload-flight' };
const ROUTE = { key: 'route-key', carousel: 'route-carousel' };

const belts = new Map();
const rows = new Map();

export function start() {
  subscribe('carousels', draw);
  onSubmit('unload', unload);
  onSubmit('route', route);
}

async function unload() {
  clearProblem('unload', UNLOAD);
  const bags = $('unload-bags').value.trim();
  const flight = $('unload-flight').value.trim();
  const query = new URLSearchParams({ bags, ...(flight && { flight }) });
  const { ok, body } = await send('POST', `/api/carousels/bags?${query}`);
  if (ok) announce(`${bags} bags are out of the hold.`);
  else showProblem(body, 'unload', UNLOAD);
}

async function route() {
  clearProblem('route', ROUTE);
  const key = $('route-key').value.trim();
  const carousel = $('route-carousel').value;
  const { ok, body } = await send('PUT', `/api/carousels/routes/${encodeURIComponent(key || '-')}?carousel=${carousel}`);
  if (ok) announce(`Bags of ${key} go to carousel ${carousel}.`);
  else showProblem(body, 'route', ROUTE);
}

function draw({ swaps, unroutable, routes, carousels }) {
  text($('routes-swapped'), swaps === 0 ? 'as it was at the start' : `swapped ${swaps === 1 ? 'once' : `${whole.format(swaps)} times`}`);
  text($('unroutable'), unroutable === 0 ? 'none was unroutable' : `${count(unroutable, 'bag')} unroutable`);
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
  remove.addEventListener('click', async () => {
    const { ok, body } = await send('DELETE', `/api/carousels/routes/${encodeURIComponent(key)}`);
    text($('route-error'), ok ? '' : problemText(body));
    if (ok) announce(`There is no route for ${key} any more.`);
  });
  return { words, root: element('li', {}, element('span', { className: 'flight' }, key), words, remove) };
}

function drawRoute({ words }, { carousel }) {
  text(words, `carousel ${carousel}`);
}
