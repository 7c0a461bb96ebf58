/**
 * Anchoring again and again: whenever the time has come and there is something new, the newest checkpoint is cosigned, written
 * into a folder and handed to a program. What fails is said and tried again; nothing else waits for it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Policy, textOfUtf8, type VerifierKey } from '@infrafabric/format';
import type { WitnessPaths } from '@infrafabric/ledger';
import type { AskedWitness } from '../ask/ask-witness.js';
import { AnchorError } from './anchor-error.js';
import { writeAnchor } from './anchor-folder.js';
import { type Answered, cosignNewest, withStoredCosignatures } from './cosign-newest.js';
import { handOver } from './hand-over.js';
import { AnchoredLedger } from './newest-checkpoint.js';

/** Where anchors go, and how often. At least one of `folder`, `exec` and `policy` says where. */
export interface AnchorPlan {
  readonly everyMs: number;
  /** Gets a file for each anchor. */
  readonly folder?: string | undefined;
  /** Shell command that gets each anchor on stdin. */
  readonly exec?: string | undefined;
  /** Its witnesses are asked. */
  readonly policy?: Policy | undefined;
  /** Those of them that are asked; default all with a URL. */
  readonly witnesses?: readonly AskedWitness[] | undefined;
  readonly timeoutMs?: number | undefined;
}

/** What came of one turn. */
export type AnchorEvent =
  | {
      readonly type: 'anchored';
      readonly size: number;
      readonly file: string | undefined;
      /** Names of the witnesses whose cosignatures it carries. */
      readonly by: readonly string[];
      /** Witnesses that did not cosign, with the reason. */
      readonly failures: readonly { readonly witness: string; readonly reason: string }[];
    }
  /** A witness or an older anchor contradicts the ledger: rollback or fork. */
  | { readonly type: 'contradicted'; readonly message: string; readonly evidence: readonly string[] }
  | { readonly type: 'failed'; readonly code: string; readonly message: string; readonly hint: string | undefined };

/** A program that hangs is ended after this. */
const EXEC_TIMEOUT_MS = 60_000;
/** After a failure the next turn is not later than this. */
const RETRY_MS = 60_000;

/** Takes turns until it is told to stop. */
export class AnchorSchedule {
  readonly #paths: WitnessPaths;
  readonly #plan: AnchorPlan;
  readonly #key: VerifierKey | undefined;
  readonly #onEvent: (event: AnchorEvent) => void;
  readonly #stop = new AbortController();
  /** Size that needs nothing more. */
  #done = 0;
  /** What the program got last: a turn that is tried again for another reason does not hand the same to it twice. */
  #handed = '';

  /** @param key that must have signed; default: one of those in the witness home */
  constructor(paths: WitnessPaths, plan: AnchorPlan, onEvent: (event: AnchorEvent) => void, key?: VerifierKey) {
    this.#paths = paths;
    this.#plan = plan;
    this.#onEvent = onEvent;
    this.#key = key;
  }

  /** The first turn is at once. Resolves after {@link AnchorSchedule.stop}. Never rejects. */
  async run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const isDone = await this.turn();
      const pauseMs = isDone ? this.#plan.everyMs : Math.min(this.#plan.everyMs, RETRY_MS);
      await sleep(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  /** No further turn. */
  stop(): void {
    this.#stop.abort();
  }

  /** One turn. @returns whether nothing is left to do for what was there. Never rejects. */
  async turn(): Promise<boolean> {
    let ledger: AnchoredLedger | undefined;
    try {
      ledger = new AnchoredLedger(this.#paths, this.#key);
      const newest = ledger.newest();
      if (newest.size === this.#done) return true;
      return await this.#anchor(ledger);
    } catch (error) {
      this.#tellFailure(error);
      return false;
    } finally {
      ledger?.close();
    }
  }

  async #anchor(ledger: AnchoredLedger): Promise<boolean> {
    const { folder, exec, policy } = this.#plan;
    const cosigned = policy === undefined ? undefined : await this.#cosign(ledger, policy);
    const newest = cosigned ?? ledger.newest();
    ledger.requireTree(newest);
    const note = cosigned?.cosignedNote ?? textOfUtf8(newest.note);
    const file = folder === undefined ? undefined : writeAnchor(folder, ledger, newest, note);
    if (exec !== undefined && note !== this.#handed)
      await handOver(note, exec, { timeoutMs: EXEC_TIMEOUT_MS, output: 'stderr' });
    this.#handed = note;
    const answers: readonly Answered[] = cosigned?.answers ?? [];
    const failures = answers.flatMap(({ witness, answer }) =>
      answer.outcome === 'failed' ? [{ witness: witness.name, reason: answer.reason }] : [],
    );
    this.#onEvent({ type: 'anchored', size: newest.size, file, by: cosigned?.by ?? [], failures });
    if (cosigned?.unstored !== undefined) throw cosigned.unstored;
    if (cosigned?.isPolicyMet === false)
      throw new AnchorError('policy-unmet', `too few witnesses cosigned the checkpoint of ${newest.size} entries`);
    this.#done = newest.size;
    return true;
  }

  /** Asks nobody where what is stored is enough: that was done before a restart. */
  async #cosign(ledger: AnchoredLedger, policy: Policy): ReturnType<typeof cosignNewest> {
    const newest = ledger.newest();
    const stored = withStoredCosignatures(ledger, newest, policy);
    if (stored.isPolicyMet && stored.by.length > 0) return { ...newest, ...stored, answers: [], unstored: undefined };
    const { witnesses, timeoutMs } = this.#plan;
    return cosignNewest(ledger, { policy, timeoutMs, ...(witnesses === undefined ? {} : { witnesses }) });
  }

  #tellFailure(error: unknown): void {
    if (error instanceof AnchorError && error.code === 'contradicted') {
      this.#onEvent({ type: 'contradicted', message: error.message, evidence: error.evidence });
      return;
    }
    const { code, message, hint } = error as { code?: unknown; message?: unknown; hint?: unknown };
    this.#onEvent({
      type: 'failed',
      code: typeof code === 'string' ? code : 'internal',
      message: typeof message === 'string' ? message : String(error),
      hint: typeof hint === 'string' ? hint : undefined,
    });
  }
}
