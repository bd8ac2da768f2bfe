/*
 * What every section needs: elements, formats, requests and their problems, announcing.
 * Text from the server enters the page through textContent only.
 */

export const $ = (id) => document.getElementById(id);
export const still = matchMedia('(prefers-reduced-motion: reduce)');

// == formats ==

export const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
export const tenths = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });
export const timeOfDay = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** "1 bag", "1,200 bags". */
export const count = (n, one, many = `${one}s`) => `${whole.format(n)} ${n === 1 ? one : many}`;

/** "80 ms", "1.4 s", "3 min". */
export function duration(millis) {
  if (millis < 1000) return `${whole.format(millis)} ms`;
  if (millis < 120_000) return `${tenths.format(millis / 1000)} s`;
  return `${whole.format(millis / 60_000)} min`;
}

const dayOfMonth = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });

/** "B6 108, 7 Jul" from the key of a departure, "B6108-2013-07-07". */
export function departureName(key) {
  const [, carrier, number, date] = key.match(/^(..)(\d+)-(\d{4}-\d\d-\d\d)$/) ?? [];
  return carrier ? `${carrier} ${number}, ${dayOfMonth.format(new Date(date))}` : key;
}

/** A tag that nobody has, most likely: the load's begin with 0, those of the tests with 98. */
export function newTag() {
  const digits = crypto.getRandomValues(new Uint32Array(1))[0];
  return `99${String(digits % 100_000_000).padStart(8, '0')}`;
}

// == elements ==

/**
 * A new element. Of its properties, those that start with "data-" or "aria-", "role", "for", "scope" and "list" are
 * attributes; a child that is no node becomes text, and one that is null or false is left out.
 */
export function element(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (/^(data-|aria-|role$|for$|scope$|list$)/.test(key)) node.setAttribute(key, value);
    else node[key] = value;
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** A copy of what is in a <template>, and how to find things in it. */
export function copyOf(template) {
  const root = $(template).content.firstElementChild.cloneNode(true);
  return { root, find: (selector) => root.querySelector(selector) };
}

/** Writes only what changed: an unchanged text costs no layout. */
export function text(node, value) {
  const next = String(value);
  if (node.textContent !== next) node.textContent = next;
}

/** Sets a data-attribute if it changed. */
export function data(node, name, value) {
  const next = String(value);
  if (node.dataset[name] !== next) node.dataset[name] = next;
}

/** Sets --part, which bars and shares are drawn from, from 0 to 1. */
export function part(node, fraction) {
  const next = Math.min(1, Math.max(0, fraction || 0)).toFixed(4);
  if (node.style.getPropertyValue('--part') !== next) node.style.setProperty('--part', next);
}

/**
 * Keeps the children of a list in step with items: opens a view for a new key, draws each, removes those that are gone,
 * and moves nothing that is in its place, so that focus and transitions survive.
 *
 * @param views a Map from key to view; a view has the element `root`
 */
export function keep(list, views, items, keyOf, open, draw) {
  const keys = new Set(items.map(keyOf));
  for (const [key, view] of views) {
    if (!keys.has(key)) {
      view.root.remove();
      views.delete(key);
    }
  }
  items.forEach((item, index) => {
    const key = keyOf(item);
    let view = views.get(key);
    if (!view) {
      view = open(item);
      views.set(key, view);
    }
    if (list.children[index] !== view.root) list.insertBefore(view.root, list.children[index] || null);
    draw(view, item);
  });
}

// == requests and their problems ==

const NO_ANSWER = { title: 'No answer', detail: 'Baggage control did not answer. Is it running?' };

/**
 * Sends a request. Never throws: resolves to `{ ok, status, body, headers }`, where the body of what is not ok is a
 * problem (RFC 9457).
 *
 * @param body undefined for none, otherwise what is sent as JSON
 */
export async function send(method, url, body, headers = {}) {
  let response;
  try {
    response = await fetch(url, {
      method,
      headers: {
        accept: 'application/json, application/problem+json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    return { ok: false, status: 0, body: NO_ANSWER, headers: new Headers() };
  }
  const answer = await response.json().catch(() => ({}));
  return { ok: response.ok, status: response.status, body: answer, headers: response.headers };
}

/** What a problem says in one line. */
export function problemText(problem) {
  return problem.detail || problem.title || 'The request was refused without a reason.';
}

/**
 * Shows a problem at a form: each error at its input and its `<input>-error`, the rest at `<form>-error`.
 *
 * @param inputs names of fields to ids of inputs
 */
export function showProblem(problem, form, inputs = {}) {
  const rest = [];
  for (const { field, detail } of problem.errors || []) {
    const input = inputs[field];
    if (input === undefined) {
      rest.push(`${field}: ${detail}`);
      continue;
    }
    $(input).setAttribute('aria-invalid', 'true');
    text($(`${input}-error`), detail);
  }
  if (rest.length > 0 || !problem.errors || problem.errors.length === 0) {
    text($(`${form}-error`), rest.join(' ') || problemText(problem));
  }
  const first = $(form).querySelector('[aria-invalid="true"]');
  if (first) first.focus();
}

/** Takes back what showProblem has shown. */
export function clearProblem(form, inputs = {}) {
  text($(`${form}-error`), '');
  for (const input of Object.values(inputs)) {
    $(input).removeAttribute('aria-invalid');
    text($(`${input}-error`), '');
  }
}

/** Calls `done` on submit instead of leaving the page. */
export function onSubmit(form, done) {
  $(form).addEventListener('submit', (event) => {
    event.preventDefault();
    done();
  });
}

/**
 * Connects a form. On submit `request` is told what is in its fields, without those that are empty, and sends it; what is
 * wrong with it is shown at the form, otherwise `done` is told the answer and the fields. Nothing is sent twice at once.
 *
 * @param inputs names of fields to ids of inputs
 * @param {(fields) => Promise<Answer>} request
 */
export function form(id, inputs, request, done) {
  onSubmit(id, async () => {
    if ($(id).ariaBusy === 'true') return;
    clearProblem(id, inputs);
    if ($(`${id}-done`)) text($(`${id}-done`), '');
    const fields = {};
    for (const [field, input] of Object.entries(inputs)) {
      const value = $(input).value.trim();
      if (value !== '') fields[field] = value;
    }
    $(id).ariaBusy = 'true';
    const answer = await request(fields);
    $(id).ariaBusy = 'false';
    if (answer.ok) done(answer, fields);
    else showProblem(answer.body, id, inputs);
  });
}

/** Says what came of an order, given by a button or a switch: why it was refused in `error`, otherwise `said`. */
export async function report(answer, error, said) {
  const { ok, body } = await answer;
  text(error, ok ? '' : problemText(body));
  if (ok && said) announce(said);
  return ok;
}

/** Sends what a switch is set to; one that is refused goes back. */
export function onSwitch(box, error, request, said = () => '') {
  box.addEventListener('change', async () => {
    const on = box.checked;
    box.ariaBusy = 'true';
    const ok = await report(request(on), error, said(on));
    box.ariaBusy = 'false';
    if (!ok) box.checked = !on;
  });
}

/** Shows what a switch is set to, unless somebody is setting it. */
export function setSwitch(box, on) {
  if (box.ariaBusy !== 'true') box.checked = on;
}

// == what a screen reader hears: changes of state, never the running figures ==

/** Long enough that what comes next does not take its place before it is read out. */
const SAID_FOR = 1000;
const MOST_SAID = 5;

const said = [];

/** Says one after the other; of more than a few at once the oldest are left out. */
export function announce(words) {
  said.push(words);
  if (said.length === 1) say();
  else if (said.length > MOST_SAID) said.splice(1, 1);
}

function say() {
  text($('announce'), said[0]);
  setTimeout(() => {
    said.shift();
    if (said.length > 0) say();
  }, SAID_FOR);
}

/** Interrupts; an empty text takes it back. */
export function alarm(words) {
  text($('alarm'), words);
}
