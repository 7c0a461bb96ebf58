/**
 * Hashing in a worker thread. A frame is copied into a free slot of shared memory (16.6 MB take under a millisecond) and hashed
 * there; without a free slot the hashing of this frame is dropped and counted. The frame itself is never held back.
 */
import { Worker } from 'node:worker_threads';
import type { FrameHasher, OnHash } from './frame-hasher.js';

/** @internal To the worker: new memory, or a slot to hash. */
export type HashRequest =
  | { readonly memory: SharedArrayBuffer }
  | { readonly id: number; readonly offset: number; readonly octets: number };

/** @internal From the worker. */
export interface HashReply {
  readonly id: number;
  readonly sha256: string;
}

interface Slot {
  readonly memory: SharedArrayBuffer;
  readonly offset: number;
}

/** A page of memory: slots begin at one. */
const PAGE_OCTETS = 4_096;
/** Room for 8 slots of 8K UYVY. Larger frames get fewer slots. */
const MAX_MEMORY_OCTETS = 2 ** 30;

/** Hashes in a worker that does not keep the process alive. */
export class WorkerHasher implements FrameHasher {
  readonly #slots: number;
  readonly #worker: Worker | undefined;
  readonly #underWay = new Map<number, { readonly slot: Slot; readonly onHash: OnHash }>();
  #memory: SharedArrayBuffer | undefined;
  #slotOctets = 0;
  #free: Slot[] = [];
  #nextId = 0;
  #hasFailed = false;

  /** @param slots frames that may wait or be hashed at a time; each takes one frame's octets of memory */
  constructor(slots: number) {
    this.#slots = slots;
    this.#worker = this.#start();
  }

  hash(bytes: Uint8Array, onHash: OnHash): void {
    const slot = this.#slotFor(bytes.length);
    if (typeof slot === 'string') {
      onHash(undefined, slot);
      return;
    }
    new Uint8Array(slot.memory, slot.offset, bytes.length).set(bytes);
    const id = this.#nextId++;
    this.#underWay.set(id, { slot, onHash });
    this.#post({ id, offset: slot.offset, octets: bytes.length });
  }

  drain(): void {
    if (!this.#hasFailed && this.#underWay.size > 0) this.#worker?.ref();
  }

  close(): void {
    this.#fail();
    void this.#worker?.terminate();
  }

  /** Nothing of the application runs in there: neither its `--import` hooks nor those that NODE_OPTIONS names. */
  #start(): Worker | undefined {
    try {
      const { NODE_OPTIONS: _, ...env } = process.env;
      const worker = new Worker(new URL('./hash-worker.js', import.meta.url), { execArgv: [], env, name: 'ndi-hash' });
      worker.unref();
      worker.on('message', (reply: HashReply) => this.#settle(reply.id, reply.sha256));
      worker.on('error', () => this.#fail());
      worker.on('exit', () => this.#fail());
      return worker;
    } catch {
      // Without threads, as under Node's permission model: frames are sent, and recorded as unhashed.
      this.#hasFailed = true;
      return undefined;
    }
  }

  /** A free slot, or why there is none. */
  #slotFor(octets: number): Slot | string {
    if (this.#hasFailed) return 'hash_worker_failed';
    if (octets >= this.#slotOctets && !this.#grow(octets)) return 'hash_out_of_memory';
    return this.#free.pop() ?? 'hash_dropped';
  }

  /** New memory for larger frames. Slots of the old one are not given out again; the worker hashes in order, so they finish. */
  #grow(octets: number): boolean {
    const slotOctets = (Math.floor(octets / PAGE_OCTETS) + 1) * PAGE_OCTETS;
    const slots = Math.min(this.#slots, Math.floor(MAX_MEMORY_OCTETS / slotOctets));
    if (slots === 0) return false;
    try {
      const memory = new SharedArrayBuffer(slotOctets * slots);
      this.#memory = memory;
      this.#slotOctets = slotOctets;
      this.#free = Array.from({ length: slots }, (_, at) => ({ memory, offset: at * slotOctets }));
      this.#post({ memory });
      return true;
    } catch {
      return false;
    }
  }

  #post(request: HashRequest): void {
    this.#worker?.postMessage(request);
  }

  #settle(id: number, sha256: string): void {
    const job = this.#underWay.get(id);
    if (job === undefined) return;
    this.#underWay.delete(id);
    if (job.slot.memory === this.#memory) this.#free.push(job.slot);
    if (this.#underWay.size === 0) this.#worker?.unref();
    job.onHash(sha256);
  }

  #fail(): void {
    this.#hasFailed = true;
    const jobs = [...this.#underWay.values()];
    this.#underWay.clear();
    for (const { onHash } of jobs) onHash(undefined, 'hash_worker_failed');
  }
}
