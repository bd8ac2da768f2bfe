/*
 * The stream of the server's views, for any number of pages.
 *
 * A page joins by a port and says which events it draws; it is given the last view of each, and those that follow. A
 * message to a page is [event, json], or null when the stream is lost; one from a page is what it draws, or null when
 * it leaves.
 */

const RECONNECT_AFTER = 2000;

const ports = new Set();
const events = new Set();
const last = new Map();
let source = null;

/** Takes in a page. */
export function join(port) {
  port.onmessage = ({ data }) => {
    if (data) enter(port, data);
    else leave(port);
  };
}

function enter(port, drawn) {
  ports.add(port);
  for (const view of last) port.postMessage(view);
  const known = events.size;
  for (const event of drawn) events.add(event);
  // A page of a newer version may draw what no page before it has drawn.
  if (source === null || events.size > known) open();
}

function leave(port) {
  ports.delete(port);
  port.close();
  if (ports.size > 0) return;
  source?.close();
  source = null;
  last.clear();
}

function open() {
  source?.close();
  const opened = new EventSource('/api/live');
  source = opened;
  for (const event of events) {
    opened.addEventListener(event, ({ data }) => {
      last.set(event, data);
      tell([event, data]);
    });
  }
  opened.onerror = () => {
    last.clear();
    tell(null);
    // After a network failure the browser reconnects by itself; after a refusal it gives up.
    if (opened.readyState === EventSource.CLOSED) setTimeout(() => opened === source && open(), RECONNECT_AFTER);
  };
}

function tell(message) {
  for (const port of ports) port.postMessage(message);
}
