/**
 * The wrapper around a sender. Every method runs on the real sender with the arguments that were given; results and errors come
 * back as they are. The only addition: `video` reads the frame's octets before the native call, and never after it.
 */
import type { BusinessIds } from '@infrafabric/events';
import type { TracerProvider } from '@opentelemetry/api';
import { MAIN_THREAD_HASHER } from './frame-hasher.js';
import { NdiStream } from './ndi-stream.js';
import { newRecorder } from './package-scope.js';
import { boundedName, newStreamIds } from './stream-ids.js';
import { WorkerHasher } from './worker-hasher.js';

/** The shape of a sender that is needed here; `grandiose` and its forks have it. */
export interface NdiSender {
  readonly video: (...args: never[]) => unknown;
}

/** How a sender is watched. Business trace ids: those given, else the active context's, else the stream's own. */
export interface InstrumentSenderOptions extends BusinessIds {
  /** Default: the sender's `name`. */
  readonly streamName?: string | undefined;
  /** Default: the global one. */
  readonly tracerProvider?: TracerProvider | undefined;
  /** `main`, the default, takes 2.4 ms of the event loop for 1080p UYVY; `worker` under 1 ms, for 4K as well. */
  readonly hashing?: 'main' | 'worker' | undefined;
  /** Frames that may wait for the worker, each with memory of a frame; default 8. Further ones are sent unhashed. */
  readonly workerSlots?: number | undefined;
  /** Frames of a window; default 30. */
  readonly windowFrames?: number | undefined;
  /** A window is complete at the latest so long after its first frame, milliseconds; default 500. */
  readonly windowMs?: number | undefined;
  /** Complete windows that are kept for `proof`; default 120, a minute. */
  readonly keepWindows?: number | undefined;
  /** Also one `ndi_frame_published` for each frame; default false. */
  readonly recordEachFrame?: boolean | undefined;
  /** Between two `ndi_bandwidth_usage`, milliseconds; default 10,000. */
  readonly bandwidthIntervalMs?: number | undefined;
  /** Complete windows are appended to this file, for `readFrameProof`. */
  readonly sidecarPath?: string | undefined;
}

const DEFAULT_SLOTS = 8;
const DEFAULT_WINDOW_FRAMES = 30;
const DEFAULT_WINDOW_MS = 500;
const DEFAULT_KEEP_WINDOWS = 120;
const DEFAULT_BANDWIDTH_INTERVAL_MS = 10_000;

const streams = new WeakMap<object, NdiStream>();

type Method = (...args: unknown[]) => unknown;

/**
 * A sender to use in place of `sender`: it does what that one does. `destroy()` ends the stream; for a sender without it, and
 * to wait until all is recorded, there is `ndiStreamOf(wrapped).close()`. One that is wrapped already is returned as it is.
 * @throws TypeError when `sender` has no method `video`; RangeError for an option out of range. Nothing after that.
 */
export function instrumentSender<Sender extends NdiSender>(
  sender: Sender,
  options: InstrumentSenderOptions = {},
): Sender {
  if (typeof sender !== 'object' || sender === null || typeof sender.video !== 'function') {
    throw new TypeError('sender must be an object with a method video(frame), such as grandiose.send() resolves to');
  }
  if (streams.has(sender)) return sender;
  const stream = newStream(sender, options);
  const wrapped: Sender = new Proxy(
    {} as Sender,
    handlerOf(sender, stream, () => wrapped),
  );
  streams.set(wrapped, stream);
  return wrapped;
}

/** The stream behind a wrapped sender. @throws TypeError when `sender` is not what `instrumentSender` returned. */
export function ndiStreamOf(sender: object): NdiStream {
  const stream = streams.get(sender);
  if (stream === undefined) throw new TypeError('this sender is not one that instrumentSender returned');
  return stream;
}

function newStream(sender: NdiSender, options: InstrumentSenderOptions): NdiStream {
  const { hashing = 'main' } = options;
  if (hashing !== 'main' && hashing !== 'worker') throw new RangeError("hashing must be 'main' or 'worker'");
  const slots = whole('workerSlots', options.workerSlots, DEFAULT_SLOTS, 1, 256);
  const settings = {
    windowFrames: whole('windowFrames', options.windowFrames, DEFAULT_WINDOW_FRAMES, 1, 65_536),
    windowMs: whole('windowMs', options.windowMs, DEFAULT_WINDOW_MS, 1, 3_600_000),
    keepWindows: whole('keepWindows', options.keepWindows, DEFAULT_KEEP_WINDOWS, 0, 1_000_000),
    bandwidthIntervalMs: whole(
      'bandwidthIntervalMs',
      options.bandwidthIntervalMs,
      DEFAULT_BANDWIDTH_INTERVAL_MS,
      1,
      86_400_000,
    ),
  };
  return new NdiStream({
    ...settings,
    hashing,
    recorder: newRecorder(options.tracerProvider),
    ids: newStreamIds(options),
    streamName: boundedName(options.streamName ?? (sender as { name?: unknown }).name, 'ndi'),
    hasher: hashing === 'worker' ? new WorkerHasher(slots) : MAIN_THREAD_HASHER,
    recordEachFrame: options.recordEachFrame === true,
    sidecarPath: options.sidecarPath,
  });
}

function whole(name: string, given: number | undefined, otherwise: number, low: number, high: number): number {
  const value = given ?? otherwise;
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw new RangeError(`${name} must be a whole number from ${low} to ${high}`);
}

/**
 * The proxy's target is an empty object and not the sender: of a frozen sender a proxy may not return wrapped methods. Methods
 * run with the sender as `this`, because native senders and private fields accept no other.
 */
function handlerOf<Sender extends NdiSender>(
  sender: Sender,
  stream: NdiStream,
  wrapped: () => Sender,
): ProxyHandler<Sender> {
  const methods = new WeakMap<Method, Method>();
  const wrapMethod = (key: PropertyKey, method: Method): Method => {
    let watched = methods.get(method);
    if (watched === undefined) {
      const watch = WATCHED[String(key)] ?? unwatched;
      watched = (...args) => {
        const result = watch(stream, args, () => Reflect.apply(method, sender, args));
        // A method that returns its object, for chains, must not lead out of the wrapper.
        return result === sender ? wrapped() : result;
      };
      methods.set(method, watched);
    }
    return watched;
  };
  return {
    get(_, key) {
      const value: unknown = Reflect.get(sender, key, sender);
      return typeof value === 'function' && key !== 'constructor' ? wrapMethod(key, value as Method) : value;
    },
    set: (_, key, value) => Reflect.set(sender, key, value, sender),
    has: (_, key) => Reflect.has(sender, key),
    defineProperty: (_, key, descriptor) => Reflect.defineProperty(sender, key, descriptor),
    deleteProperty: (_, key) => Reflect.deleteProperty(sender, key),
    ownKeys: () => Reflect.ownKeys(sender),
    getPrototypeOf: () => Reflect.getPrototypeOf(sender),
    getOwnPropertyDescriptor(_, key) {
      const descriptor = Reflect.getOwnPropertyDescriptor(sender, key);
      return descriptor && { ...descriptor, configurable: true };
    },
  };
}

type Watch = (stream: NdiStream, args: readonly unknown[], call: () => unknown) => unknown;

const unwatched: Watch = (_, __, call) => call();

const WATCHED: Readonly<Record<string, Watch>> = {
  __proto__: null as never,
  video(stream, [frame], call) {
    const frameNumber = stream.handOver(frame);
    return settling(call, { onError: (thrown) => stream.failed('video', thrown, frameNumber) });
  },
  audio(stream, [frame], call) {
    stream.audio(frame);
    return settling(call, { onError: (thrown) => stream.failed('audio', thrown) });
  },
  connections(stream, _, call) {
    return settling(call, { onValue: (value) => stream.sawConnections(value) });
  },
  destroy(stream, _, call) {
    return settling(call, {
      onValue: () => void stream.close('destroyed'),
      onError(thrown) {
        stream.failed('destroy', thrown);
        void stream.close('destroy_failed');
      },
    });
  },
};

/**
 * Calls, and looks at the outcome. Of a promise the caller gets one with the same value or reason: a handler on the
 * original alone would make Node take a rejection that nobody handles for a handled one.
 */
function settling(
  call: () => unknown,
  on: { readonly onValue?: (value: unknown) => void; readonly onError?: (thrown: unknown) => void },
): unknown {
  let result: unknown;
  try {
    result = call();
  } catch (thrown) {
    on.onError?.(thrown);
    throw thrown;
  }
  if (!(result instanceof Promise)) {
    on.onValue?.(result);
    return result;
  }
  return result.then(
    (value: unknown) => {
      on.onValue?.(value);
      return value;
    },
    (thrown: unknown) => {
      on.onError?.(thrown);
      throw thrown;
    },
  );
}
