/**
 * The one way from encoded spans to the ledger, below exporter and processor. While one commit is under way the next
 * requests gather, then share a commit. A ledger that cannot take them never reaches the application: they wait in the
 * spool, and when that is full in memory, and are drained later. Nothing here throws or rejects.
 */
import { atExit } from './at-exit.js';
import { concat } from './concat.js';
import type { WitnessCounts } from './counts.js';
import { LedgerOutlet } from './ledger-outlet.js';
import type { TraceRequest, TraceRequestBuilder } from './trace-request.js';
import { checked, type WitnessOptions } from './witness-options.js';

/** Why a request was not committed; undefined: it was. */
export type Problem = Error | undefined;

/** A request on its way. */
interface Waiting extends TraceRequest {
  readonly settle: (problem: Problem) => void;
}

/** Requests that share a commit. */
interface Group {
  readonly members: readonly Waiting[];
  /** They are in the spool, whatever becomes of the commit. */
  spilled: boolean;
}

/** A request whose resource does not have all its attributes yet. */
interface Arriving {
  readonly builder: TraceRequestBuilder;
  readonly settle: (problem: Problem) => void;
}

/** What a commit takes at most, unless one request is larger. */
const GROUP_BYTES = 1024 * 1024;
/** How long the asynchronous attributes of a resource are waited for. */
const ARRIVAL_TIMEOUT_MS = 5_000;

/** See the head of this file. */
export class WitnessPipeline {
  readonly #outlet: LedgerOutlet;
  readonly #memoryMaxBytes: number;
  readonly #shutdownTimeoutMs: number;
  readonly #forgetExit: () => void;
  readonly #unsettled = new Set<Promise<Problem>>();
  readonly #arriving = new Set<Arriving>();
  #queue: Waiting[] = [];
  /** Refused by the spool as well as by the ledger; their submitters were told. */
  #held: Waiting[] = [];
  #current: Group | undefined;
  /** Of all the above. */
  #bytes = 0;
  #closing: Promise<void> | undefined;

  /**
   * `sendBuffered` submits what the owner still buffers; called when the process ends.
   * @throws RangeError for an option out of range.
   */
  constructor(options: WitnessOptions, sendBuffered: () => void) {
    this.#memoryMaxBytes = checked('memoryMaxBytes', options.memoryMaxBytes, 32 * 1024 * 1024);
    this.#shutdownTimeoutMs = checked('shutdownTimeoutMs', options.shutdownTimeoutMs, 10_000);
    this.#outlet = new LedgerOutlet(options, () => this.#drainHeld());
    this.#forgetExit = atExit({
      flush: sendBuffered,
      spill: () => {
        sendBuffered();
        this.spillSync();
      },
    });
  }

  /** As of now. */
  get counts(): WitnessCounts {
    return { ...this.#outlet.counts };
  }

  /** Takes a builder over. Resolves when its spans are committed, or with the reason why they wait or are lost. */
  submit(builder: TraceRequestBuilder): Promise<Problem> {
    builder.seal();
    const settled = new Promise<Problem>((settle) => {
      const complete = builder.complete();
      if (complete === undefined) this.#accept({ builder, settle });
      else this.#await({ builder, settle }, complete);
    });
    this.#unsettled.add(settled);
    void settled.then(() => this.#unsettled.delete(settled));
    return settled;
  }

  /** Counts spans that are gone. `reason` is a stable word. */
  lose(spans: number, reason: string): void {
    this.#outlet.lose(spans, reason);
  }

  /** Says a message unless its kind was said before. */
  say(kind: string, message: string): void {
    this.#outlet.say(kind, message);
  }

  /** Resolves when everything submitted before is committed or in the spool, or counted as lost. */
  async flush(): Promise<void> {
    await Promise.all(this.#unsettled);
  }

  /** Finishes within the deadline; what is not committed by then is in the spool. Submit nothing after. */
  close(): Promise<void> {
    this.#closing ??= this.#close(Date.now() + this.#shutdownTimeoutMs);
    return this.#closing;
  }

  /** Writes to the spool, without waiting for anything, whatever is not known to be committed. */
  spillSync(): void {
    for (const arriving of [...this.#arriving]) this.#arrived(arriving, false);
    const resting = [...this.#held, ...this.#queue];
    this.#held = [];
    this.#queue = [];
    const current = this.#current === undefined || this.#current.spilled ? [] : this.#current.members;
    if (this.#current !== undefined) this.#current.spilled = true;
    for (let rest = [...current, ...resting]; rest.length > 0; ) {
      const group = firstGroup(rest);
      this.#spillGroup(group);
      rest = rest.slice(group.length);
    }
    for (const { bytes, settle } of resting) {
      this.#bytes -= bytes;
      settle(new Error('the spans are in the spool'));
    }
  }

  #await(arriving: Arriving, complete: Promise<unknown>): void {
    this.#arriving.add(arriving);
    this.#bytes += arriving.builder.bytes;
    const deadline = setTimeout(() => this.#arrived(arriving), ARRIVAL_TIMEOUT_MS).unref();
    void complete.then(() => {
      clearTimeout(deadline);
      this.#arrived(arriving);
    });
    // Spans must not pile up for the sake of a few attributes.
    if (this.#bytes > this.#memoryMaxBytes) for (const each of [...this.#arriving]) this.#arrived(each);
  }

  #arrived(arriving: Arriving, run = true): void {
    if (!this.#arriving.delete(arriving)) return;
    this.#bytes -= arriving.builder.bytes;
    this.#accept(arriving, run);
  }

  #accept({ builder, settle }: Arriving, run = true): void {
    const request = builder.finish();
    let refused = 0;
    for (const [reason, spans] of builder.refusals) {
      this.#outlet.reject(spans, reason, request?.service);
      refused += spans;
    }
    const refusal = refused === 0 ? undefined : new Error(`${refused} spans cannot be witnessed`);
    if (request === undefined) settle(refusal);
    else if (this.#bytes + request.bytes > this.#memoryMaxBytes) this.#overflow(request, settle);
    else {
      this.#bytes += request.bytes;
      this.#queue.push({ ...request, settle: (problem) => settle(problem ?? refusal) });
      if (run && this.#current === undefined) void this.#run();
    }
  }

  /** More than memory may hold goes straight to the disk, however long the application has to wait for that. */
  #overflow(request: TraceRequest, settle: (problem: Problem) => void): void {
    this.#outlet.say('memory', 'spans come faster than the ledger takes them: some go to the spool and follow later');
    this.#spillGroup([request]);
    this.#outlet.drainIn();
    settle(new Error('the spans did not fit into memory'));
  }

  #spillGroup(group: readonly TraceRequest[]): void {
    const spans = spansOf(group);
    if (this.#outlet.spoolSync(joined(group), spans)) return;
    // A smaller one may fit yet.
    if (group.length > 1) for (const request of group) this.#spillGroup([request]);
    else this.#outlet.lose(spans, 'spool.full', group[0]!.service);
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const members = firstGroup(this.#queue);
      this.#queue = this.#queue.slice(members.length);
      this.#current = { members, spilled: false };
      const problem = await this.#commitOrKeep(this.#current).catch((error: Error) => {
        // Not foreseen. It must neither stop the queue nor reach the application.
        this.#outlet.lose(spansOf(members), 'internal', members[0]!.service);
        return error;
      });
      this.#current = undefined;
      for (const { settle } of members) settle(problem);
    }
  }

  async #commitOrKeep(group: Group): Promise<Problem> {
    const problem = this.#outlet.outage ?? (await this.#commit(group.members));
    const release = (): void => {
      this.#bytes -= group.members.reduce((sum, { bytes }) => sum + bytes, 0);
    };
    if (problem === undefined || problem instanceof RejectedSpans) {
      release();
      return problem;
    }
    if (group.spilled || (await this.#outlet.spool(joined(group.members), spansOf(group.members)))) release();
    else this.#held.push(...group.members.map((member) => ({ ...member, settle: () => undefined })));
    this.#outlet.drainIn();
    return problem;
  }

  async #commit(requests: readonly TraceRequest[]): Promise<Problem> {
    // The joined bytes go to the ledger's thread for good; the pieces stay until it has answered.
    const summary = await this.#outlet.append(joined(requests));
    if (summary instanceof Error) return summary;
    const { appended, duplicates, rejected } = summary;
    this.#outlet.counts.witnessed += appended + duplicates;
    for (const { reason, count } of rejected) this.#outlet.reject(count, reason, requests[0]!.service);
    return rejected.length === 0 ? undefined : new RejectedSpans(`spans were rejected: ${rejected[0]!.reason}`);
  }

  async #drainHeld(): Promise<void> {
    while (this.#held.length > 0) {
      const group = firstGroup(this.#held);
      const problem = await this.#commit(group);
      if (problem !== undefined && !(problem instanceof RejectedSpans)) throw problem;
      for (const { bytes } of group) this.#bytes -= bytes;
      this.#held = this.#held.slice(group.length);
    }
  }

  async #close(deadline: number): Promise<void> {
    await within(this.#finishUp(), deadline);
    this.#outlet.stop();
    this.spillSync();
    this.#forgetExit();
    await within(this.#outlet.close(), deadline);
  }

  async #finishUp(): Promise<void> {
    await this.flush();
    if (this.#outlet.outage === undefined) await this.#outlet.drainAll();
  }
}

/** Committed but for these. */
class RejectedSpans extends Error {}

/** The first of them that share a commit. */
function firstGroup<T extends TraceRequest>(requests: readonly T[]): T[] {
  let size = 0;
  const end = requests.findIndex(({ bytes }, i) => {
    size += bytes;
    return i > 0 && size > GROUP_BYTES;
  });
  return end === -1 ? [...requests] : requests.slice(0, end);
}

function joined(requests: readonly TraceRequest[]): Uint8Array {
  return concat(requests.flatMap(({ pieces }) => pieces));
}

function spansOf(requests: readonly TraceRequest[]): number {
  return requests.reduce((sum, { spans }) => sum + spans, 0);
}

/** Waits for `work`, but not beyond the deadline. */
async function within(work: Promise<void>, deadline: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(deadline - Date.now(), 0));
  });
  await Promise.race([work.catch(() => undefined), timeout]);
  clearTimeout(timer);
}
