/*
 * One topic is on the page at a time: that of the element the hash names, or the first one. So every element with an
 * id can be linked to, and the links of the navigation are plain links.
 */

import { $, still, text } from './kit.js';

const TITLE = document.title;
const topics = [...document.querySelectorAll('main > .topic')];
const links = new Map([...document.querySelectorAll('.topics li a')].map((link) => [link.hash.slice(1), link]));

export function startTopics() {
  window.addEventListener('hashchange', () => show(true));
  show(false);
}

/** The id of the topic that is shown. */
export const topic = () => topics.find((each) => !each.hidden).id;

/** Shows the element with this id and its topic, and leaves the focus where it is. */
export function look(id) {
  history.replaceState(null, '', `#${id}`);
  show(false);
}

/** A small number at a topic's link, with words for who cannot see it; 0 takes it away. */
export function badge(id, number, words) {
  const node = links.get(id).querySelector('.badge');
  node.hidden = number === 0;
  text(node.querySelector('.number'), number > 99 ? '99+' : number);
  text(node.querySelector('.words'), words);
}

function show(moved) {
  const target = $(decodeURIComponent(location.hash.slice(1)));
  // The target of a skip link is in no topic: what is shown stays.
  if (target && !target.closest('.topic')) return;
  const next = target ? target.closest('.topic') : topics[0];
  for (const each of topics) each.hidden = each !== next;
  for (const [id, link] of links) {
    if (id === next.id) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  const name = next.dataset.name;
  document.title = next === topics[0] ? TITLE : `${name} · ${TITLE}`;
  if (!moved) {
    if (target && target !== next) target.scrollIntoView({ behavior: still.matches ? 'auto' : 'smooth' });
    else if (target) window.scrollTo(0, 0);
    return;
  }
  // So that the next Tab goes on from here, and a screen reader says where that is.
  (target ?? next).focus({ preventScroll: true });
  if (target && target !== next) target.scrollIntoView();
  else window.scrollTo(0, 0);
}
