/*
 * Tells a story: one step after the other, each with a caption at the element it is about.
 *
 * A step lasts its seconds, and then as long as what it waits for has not happened; when that takes longer than
 * PATIENCE, the story goes on and remembers what it has missed. Pausing stops the story, not the airport. What a step
 * has switched on it switches off when it is left, however the story ends.
 */

import { $, data, part, text } from './kit.js';
import { look } from './topics.js';

const TICK = 100;
const PATIENCE = 45_000;

let told = null;

/**
 * @typedef {object} Step
 * @property {string} at the id of the element it is about
 * @property {string} title
 * @property {string} caption
 * @property {number} seconds how long it takes to read and to see
 * @property {() => Promise<void>} [act] what it does at its beginning; throws when that is refused
 * @property {() => boolean} [until] what it waits for
 * @property {() => Promise<void>} [after] takes back what it has done
 */

/**
 * Tells the steps. There is one story at a time.
 *
 * @param {Step[]} steps
 * @param {number} speed how many times as fast as people read
 * @param {() => Promise<void>} [atEnd] takes back what the story as a whole has done
 * @returns what was missed, as titles
 */
export async function tell(steps, speed, atEnd = async () => {}) {
  const story = { paused: false, skip: false, ended: false, missed: [] };
  told = story;
  open(steps);
  const all = steps.reduce((sum, step) => sum + step.seconds, 0);
  let before = 0;
  for (const [index, step] of steps.entries()) {
    if (story.ended) break;
    const target = show(step, index, steps.length);
    await during(story, step, speed, (done) => part($('tour-progress').firstElementChild, (before + done) / all));
    target.classList.remove('spot');
    before += step.seconds;
  }
  await attempt(story, 'end', atEnd);
  told = null;
  return story.missed;
}

async function during(story, step, speed, progress) {
  story.skip = false;
  const acted = !step.act || (await attempt(story, step.title, step.act));
  if (!acted) text($('tour-caption'), `${step.caption} (It was refused just now: the tour goes on without it.)`);
  let elapsed = 0;
  let waited = 0;
  let last = performance.now();
  while (!story.ended && !story.skip) {
    const happened = !acted || !step.until || step.until();
    if (elapsed >= step.seconds * 1000 && happened) break;
    if (waited >= PATIENCE) {
      story.missed.push(step.title);
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, TICK));
    const now = performance.now();
    // Nobody is told anything by a page that is not seen, and it draws nothing that could be waited for.
    if (!story.paused && !document.hidden) {
      elapsed += (now - last) * speed;
      if (elapsed >= step.seconds * 1000) waited += now - last;
      progress(Math.min(step.seconds, elapsed / 1000));
    }
    last = now;
  }
  if (step.after) await attempt(story, step.title, step.after);
}

async function attempt(story, title, act) {
  try {
    await act();
    return true;
  } catch (failure) {
    story.missed.push(`${title} (${failure.message})`);
    return false;
  }
}

function open(steps) {
  document.body.dataset.tour = 'running';
  $('tour').hidden = false;
  $('tour-pause').hidden = false;
  $('tour-next').hidden = false;
  text($('tour-pause'), 'Pause');
  text($('tour-end'), 'End the tour');
  data($('tour'), 'steps', steps.length);
  $('tour').focus({ preventScroll: true });
}

function show(step, index, steps) {
  text($('tour-place'), `Step ${index + 1} of ${steps}`);
  text($('tour-title'), step.title);
  text($('tour-caption'), step.caption);
  look(step.at);
  const target = $(step.at);
  target.classList.add('spot');
  return target;
}

/** Shows how the story has ended; only closing is left. */
export function showEnd(title, caption) {
  document.body.dataset.tour = 'finished';
  text($('tour-place'), 'The end');
  text($('tour-title'), title);
  text($('tour-caption'), caption);
  $('tour-pause').hidden = true;
  $('tour-next').hidden = true;
  text($('tour-end'), 'Close');
  $('tour-end').focus();
}

/** Connects the buttons, and Escape for who is among them. */
export function startStory() {
  $('tour-pause').addEventListener('click', () => {
    if (!told) return;
    told.paused = !told.paused;
    document.body.dataset.tour = told.paused ? 'paused' : 'running';
    text($('tour-pause'), told.paused ? 'Go on' : 'Pause');
  });
  $('tour-next').addEventListener('click', () => {
    if (told) told.skip = true;
  });
  $('tour-end').addEventListener('click', end);
  $('tour').addEventListener('keydown', (event) => {
    if (event.key === 'Escape') end();
  });
}

function end() {
  if (told) {
    told.ended = true;
  } else {
    $('tour').hidden = true;
    delete document.body.dataset.tour;
    history.replaceState(null, '', location.pathname + location.hash);
    $('main').focus({ preventScroll: true });
  }
}
