/* Lost bags: accepted at once, looked for later; the status of each claim is an event stream until it is over. */

import { $, announce, clearProblem, element, onSubmit, part, problemText, send, showProblem, text } from '../page/kit.js';
import { subscribe } from '../page/live.js';

const INPUTS = { tag: 'claim-tag' };
const SHOWN = 5;

export function start() {
  onSubmit('claim', claim);
  subscribe('frame', suggest);
}

/** A bag that is on the belts, for who has none of their own. */
function suggest({ lanes }) {
  const input = $('claim-tag');
  const bag = lanes.flatMap((lane) => lane.bags)[0];
  if (bag && input.value === '' && document.activeElement !== input) input.value = bag.tag;
}

async function claim() {
  clearProblem('claim', INPUTS);
  const tag = $('claim-tag').value.trim();
  const { ok, body, headers } = await send('POST', '/api/claims', { tag });
  if (!ok) {
    showProblem(body, 'claim', INPUTS);
    return;
  }
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

  const changes = new EventSource(location);
  const over = (said) => {
    changes.close();
    cancel.remove();
    part(bar, 1);
    text(words, said);
    announce(`Bag ${tag}: ${said}`);
  };
  changes.addEventListener('progress', ({ data }) => {
    const { percent, note } = JSON.parse(data);
    part(bar, (percent || 0) / 100);
    text(words, note || 'waiting');
  });
  changes.addEventListener('succeeded', async ({ data }) => {
    changes.close();
    const { ok, body } = await send('GET', JSON.parse(data).location);
    over(ok ? `${body.number}: ${body.answer}` : problemText(body));
  });
  changes.addEventListener('failed', async () => {
    changes.close();
    over(problemText((await send('GET', location)).body));
  });
  changes.addEventListener('cancelled', () => over('called off'));
  cancel.addEventListener('click', async () => {
    const { ok, body } = await send('DELETE', location);
    if (!ok) text(words, problemText(body));
  });
}
