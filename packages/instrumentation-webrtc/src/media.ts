/** Remote tracks of one connection, and the moment from which media flows. */
import type { Payload } from '@infrafabric/events';
import type { ConnectionEvents } from './connection-events.js';
import { EVENT_MEDIA_READY, EVENT_TRACK_ADDED, EVENT_TRACK_ENDED } from './names.js';
import { isEventTarget, member, numberMember, textMember } from './peer-connection.js';
import type { Kind, StatsSample } from './stats.js';

/** Tracks recorded one by one, per connection. */
const MAX_RECORDED = 64;
/** So long may a video that flows have no size, milliseconds: nothing was decoded yet. */
const PATIENCE_MS = 1_500;

/** Follows the media of one connection. */
export class Media {
  readonly #events: ConnectionEvents;
  readonly #kinds = new Set<string>();
  readonly #tracks: unknown[] = [];
  #isReady = false;
  /** When it was first seen to flow, milliseconds since 1970. */
  #sinceMs: number | undefined;
  #resolution: string | undefined;

  constructor(events: ConnectionEvents) {
    this.#events = events;
  }

  /** Whether `media_stream_ready` was recorded. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** `track`. @param onFlow called when media begins to flow on it, where the stack tells */
  onTrack(event: unknown, onFlow: () => void, isOver: () => boolean): void {
    const track = member(event, 'track');
    const kind = textMember(track, 'kind', 16);
    if (kind === undefined || this.#tracks.includes(track) || this.#tracks.length >= MAX_RECORDED) return;
    this.#tracks.push(track);
    this.#kinds.add(kind);
    // Not its label: that can be the name of somebody's camera.
    const payload: Payload = { kind, track_id: textMember(track, 'id', 64) ?? '' };
    this.#events.record(EVENT_TRACK_ADDED, payload);
    if (!isEventTarget(track)) return;
    track.addEventListener('unmute', onFlow);
    track.addEventListener('ended', () => {
      if (!isOver()) this.#events.record(EVENT_TRACK_ENDED, payload);
    });
  }

  /** Whether there is media to wait for. */
  hasMedia(pc: unknown): boolean {
    return this.#kinds.size > 0 || sentKinds(pc).size > 0;
  }

  /** Records that media flows, once, when packets were received or sent. Waits a little for the size of a video. */
  look(pc: unknown, sample: StatsSample, atMs: number): void {
    if (this.#isReady) return;
    const { received, sent } = sample;
    const flows = [received.audio, received.video, sent.audio, sent.video].some((stream) => (stream?.packets ?? 0) > 0);
    if (!flows) return;
    this.#sinceMs ??= atMs;
    this.#resolution = received.video?.resolution ?? sent.video?.resolution ?? this.#resolutionOfTrack();
    if (!this.#kinds.has('video') || this.#resolution !== undefined || atMs - this.#sinceMs >= PATIENCE_MS)
      this.end(pc);
  }

  /** Records what is still waited for. */
  end(pc: unknown): void {
    if (this.#isReady || this.#sinceMs === undefined) return;
    this.#isReady = true;
    const sends = sentKinds(pc);
    const has = (kind: Kind): boolean => this.#kinds.has(kind) || sends.has(kind);
    const atMs = this.#sinceMs;
    this.#events.record(
      EVENT_MEDIA_READY,
      {
        audio_enabled: has('audio'),
        video_enabled: has('video'),
        video_resolution: this.#resolution,
        connection_duration_ms: Math.round(atMs - this.#events.startMs),
      },
      { atMs },
    );
  }

  /** Width and height as the track itself tells them. */
  #resolutionOfTrack(): string | undefined {
    for (const track of this.#tracks) {
      const getSettings = member(track, 'getSettings');
      if (typeof getSettings !== 'function') continue;
      try {
        const settings: unknown = Reflect.apply(getSettings, track, []);
        const [width, height] = [numberMember(settings, 'width'), numberMember(settings, 'height')];
        if (width && height) return `${width}x${height}`;
      } catch {
        // Not implemented, in some stacks.
      }
    }
    return undefined;
  }
}

/** Kinds that this end sends. Stacks without media throw. */
function sentKinds(pc: unknown): Set<string> {
  const kinds = new Set<string>();
  const getSenders = member(pc, 'getSenders');
  if (typeof getSenders !== 'function') return kinds;
  try {
    for (const sender of Reflect.apply(getSenders, pc, []) as Iterable<unknown>) {
      const kind = textMember(member(sender, 'track'), 'kind', 16);
      if (kind !== undefined) kinds.add(kind);
    }
  } catch {
    // See above.
  }
  return kinds;
}
