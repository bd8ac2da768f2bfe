/* Lost bags: accepted at once, looked for later; the status of each claim is an event stream until it is over. */

import { $, announce, element, form, part, problemText, send, text } from '../page/kit.js';
import { subscribe } from '../page/live.js';

const INPUTS = { tag: 'claim-tag' };
const SHOWN = 5;
/** Streams that are open at once: a browser opens six connections to a server, and requests need some of them. */
const STREAMS = 2;
const RECONNECT_AFTER = 2000;

const waiting = [];
let streams = 0;

export function start() {
  form('claim', INPUTS, (fields) => send('POST', '/api/claims', fields), accepted);
  subscribe('frame', suggest);
}

/** A bag that is on the belts, for who has none of their own. */
function suggest({ lanes }) {
  const input = $('claim-tag');
  const bag = lanes.flatMap((lane) => lane.bags)[0];
  if (bag && input.value === '' && document.activeElement !== input) input.value = bag.tag;
}

function accepted({ headers }, { tag }) {
  announce(`The claim of bag ${tag} was accepted.`);
  $('claim-tag').value = '';
  follow(tag, headers.get('location'));
}

function follow(tag, location) {
  const words = element('span', {}, 'accepted');
  const bar = element('i');
  const cancel = element('button', { type: 'button' }, 'Call it off');
  const root = element('li', {}, element('b', {}, tag), words, cancel,
    element('span', { className: 'bar', 'aria-hidden': 'true' }, bar));
  $('claim-list').prepend(root);
  while ($('claim-list').children.length > SHOWN) $('claim-list').lastElementChild.remove();
  $('claims-none').hidden = true;

  const over = (said) => {
    cancel.remove();
    part(bar, 1);
    text(words, said);
    announce(`Bag ${tag}: ${said}`);
    streams--;
    waiting.shift()?.();
  };
  const progress = ({ percent, note }) => {
    part(bar, (percent || 0) / 100);
    text(words, note || 'waiting');
  };
  const begin = () => {
    streams++;
    listen(location, progress, over);
  };
  if (streams < STREAMS) begin();
  else waiting.push(begin);
  cancel.addEventListener('click', async () => {
    const { ok, body } = await send('DELETE', location);
    if (!ok) text(words, problemText(body));
  });
}

/** Tells how a search gets on, and once how it has ended. */
function listen(location, progress, over) {
  const changes = new EventSource(location);
  changes.addEventListener('progress', ({ data }) => progress(JSON.parse(data)));
  changes.addEventListener('succeeded', async ({ data }) => {
    changes.close();
    const { ok, body } = await send('GET', JSON.parse(data).location);
    over(ok ? `${body.number}: ${body.answer}` : problemText(body));
  });
  changes.addEventListener('failed', async () => {
    changes.close();
    over(problemText((await send('GET', location)).body));
  });
  changes.addEventListener('cancelled', () => {
    changes.close();
    over('called off');
  });
  changes.onerror = async () => {
    // After a network failure the browser reconnects by itself; after a refusal it gives up.
    if (changes.readyState !== EventSource.CLOSED) return;
    const { status, body } = await send('GET', location);
    if (status >= 400 && status < 500) over(problemText(body));
    else setTimeout(() => listen(location, progress, over), RECONNECT_AFTER);
  };
}
