/** Data channels of one connection: opened by whom, closed by whom. Their messages are not looked at. */
import type { ConnectionEvents } from './connection-events.js';
import { EVENT_CHANNEL_CLOSED, EVENT_CHANNEL_OPENED } from './names.js';
import { type EventTargetLike, isEventTarget, member, numberMember, textMember } from './peer-connection.js';

type Side = 'local' | 'remote';

/** Channels recorded one by one, per connection: the other end decides how many there are. */
const MAX_RECORDED = 64;
/** RFC 8832 §6.4 allows 65,535 octets of label. */
const MAX_LABEL = 128;

/** Follows the data channels of one connection. */
export class Channels {
  readonly #events: ConnectionEvents;
  readonly #seen = new WeakSet<object>();
  #count = 0;
  #open = 0;
  #closedByRemote = 0;

  constructor(events: ConnectionEvents) {
    this.#events = events;
  }

  /** How many there were. */
  get count(): number {
    return this.#count;
  }

  /** Every channel is closed, and the other end closed at least one: a sign that it left. */
  get wereClosedByRemote(): boolean {
    return this.#closedByRemote > 0 && this.#open === 0;
  }

  /** Watches a channel. @param side who made it */
  add(channel: unknown, side: Side, isOver: () => boolean): void {
    if (!isEventTarget(channel) || this.#seen.has(channel)) return;
    this.#seen.add(channel);
    this.#count += 1;
    const isRecorded = this.#count <= MAX_RECORDED;
    const madeMs = this.#events.elapsedMs;
    let openedMs: number | undefined;
    const wasClosedHere = watchClose(channel);
    const onOpen = (): void => {
      if (openedMs !== undefined || isOver()) return;
      openedMs = this.#events.elapsedMs;
      this.#open += 1;
      if (!isRecorded) return;
      this.#events.record(EVENT_CHANNEL_OPENED, {
        ...identityOf(channel),
        origin: side,
        ordered: member(channel, 'ordered') !== false,
        open_time_ms: openedMs - madeMs,
      });
    };
    const onClose = (): void => {
      if (openedMs === undefined || isOver()) return;
      const closedBy = wasClosedHere() ? 'local' : 'remote';
      this.#open -= 1;
      if (closedBy === 'remote') this.#closedByRemote += 1;
      const duration_ms = this.#events.elapsedMs - openedMs;
      openedMs = undefined;
      if (isRecorded) {
        this.#events.record(EVENT_CHANNEL_CLOSED, { ...identityOf(channel), closed_by: closedBy, duration_ms });
      }
    };
    channel.addEventListener('open', onOpen);
    channel.addEventListener('close', onClose);
    if (member(channel, 'readyState') === 'open') onOpen();
  }
}

function identityOf(channel: EventTargetLike): { label: string; channel_id: number | undefined; protocol: string } {
  const id = numberMember(channel, 'id');
  return {
    label: textMember(channel, 'label', MAX_LABEL) ?? '',
    // 65535 is no id (RFC 8832 §6); node-datachannel says it for not yet.
    channel_id: id === 65_535 || id === undefined || id < 0 ? undefined : id,
    protocol: textMember(channel, 'protocol', MAX_LABEL) ?? '',
  };
}

/** Whether the application closed the channel: the close event does not say who did. */
function watchClose(channel: EventTargetLike): () => boolean {
  let wasClosed = false;
  const close = member(channel, 'close');
  if (typeof close !== 'function') return () => false;
  try {
    Object.defineProperty(channel, 'close', {
      configurable: true,
      writable: true,
      value(this: unknown, ...args: unknown[]): unknown {
        wasClosed = true;
        return Reflect.apply(close, this, args);
      },
    });
  } catch {
    // A frozen channel: whoever closes it seems to be the other end.
  }
  return () => wasClosed;
}
