/* Customs: an X-ray image goes to the store, the question carries its claim, and the answer comes back in time or late. */

import { $, announce, duration, element, form, send, text, timeOfDay, whole } from '../page/kit.js';
import { subscribe } from '../page/live.js';
import { drawXray, png } from './xray.js';

const INPUTS = { tag: 'customs-tag' };

let shown = '';

export function start() {
  form('inspect', INPUTS, inspect, inspected);
  subscribe('frame', suggest);
  subscribe('customs', draw);
  $('customs-tag').addEventListener('input', preview);
  preview();
}

const tag = () => $('customs-tag').value.trim();

/** A bag that is on the belts, for who has none of their own. */
function suggest({ lanes }) {
  const input = $('customs-tag');
  const bag = lanes.flatMap((lane) => lane.bags)[0];
  if (bag && input.value === '' && document.activeElement !== input) {
    input.value = bag.tag;
    preview();
  }
}

function preview() {
  drawXray($('xray'), tag());
}

/** Puts the bag through the X-ray, and has customs look at it. */
async function inspect() {
  const bag = encodeURIComponent(tag());
  if ($('with-image').checked) {
    preview();
    const stored = await upload(`/api/bags/${bag}/xray`, await png($('xray')));
    if (!stored.ok) return stored;
  }
  return send('POST', `/api/bags/${bag}/customs`);
}

function inspected({ body }) {
  const said = `${body.cleared ? 'Cleared' : 'Stopped'}: ${body.findings}.`;
  text($('inspect-done'), said);
  announce(said);
}

async function upload(url, image) {
  try {
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'image/png' }, body: image });
    return { ok: response.ok, body: await response.json().catch(() => ({})) };
  } catch {
    return { ok: false, body: { detail: 'Baggage control did not answer. Is it running?' } };
  }
}

function draw({ slow, pending, answered, late, expired, last }) {
  text($('c-pending'), whole.format(pending));
  text($('c-answered'), whole.format(answered));
  text($('c-late'), whole.format(late));
  text($('c-expired'), whole.format(expired));
  text($('customs-pace'), slow ? 'slow' : 'at its usual pace');
  $('customs-none').hidden = last.length > 0;
  const next = JSON.stringify(last);
  if (next === shown) return;
  shown = next;
  $('customs-list').replaceChildren(...last.map(row));
}

function row({ tag: bag, at, verdict, tookMillis }) {
  const words = verdict === null
    ? `no answer within ${duration(tookMillis)}`
    : `${verdict.findings}, after ${duration(tookMillis)}`;
  return element('li', { 'data-verdict': verdict === null ? 'none' : verdict.cleared ? 'cleared' : 'stopped' },
    verdict !== null && verdict.imageBytes > 0
      ? element('img', { src: `/api/bags/${encodeURIComponent(bag)}/xray`, alt: `X-ray image of bag ${bag}`, width: 96, height: 60, loading: 'lazy' })
      : element('span', { className: 'no-image' }, 'no image'),
    element('div', {},
      element('b', {}, bag),
      element('span', {}, words),
      element('small', {}, timeOfDay.format(new Date(at)), verdict !== null && verdict.imageBytes > 0 && `, ${whole.format(verdict.imageBytes / 1024)} KiB redeemed`)));
}
