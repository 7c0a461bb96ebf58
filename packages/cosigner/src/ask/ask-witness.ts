/**
 * Asks one witness to cosign a checkpoint (c2sp.org/tlog-witness, the client's side). A witness that has seen more than there
 * is, or something else, is an answer: the ledger was rolled back or has two histories, and nothing is sent to mend that.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  encodeNote,
  encodeSignatureLine,
  FormatError,
  parseNote,
  sha256Hex,
  textOfUtf8,
  utf8Of,
  type VerifierKey,
} from '@infrafabric/format';
import { type OpenedCosignature, openCosignatures, openNote } from '@infrafabric/verify';
import { encodeAddCheckpoint, MAX_PROOF_HASHES } from '../server/add-checkpoint.js';
import { exchange, type HttpAnswer } from './witness-http.js';

/** A witness that can be asked. */
export interface AskedWitness {
  /** For people. */
  readonly name: string;
  readonly key: VerifierKey;
  /** Its submission prefix. */
  readonly url: string;
}

/** What it is asked about. */
export interface Question {
  /** The checkpoint note, as the log signed it. */
  readonly note: Uint8Array;
  /** The key of the log. */
  readonly logKey: VerifierKey;
  /** Consistency proof from an earlier size to that of the checkpoint, hex. */
  readonly proofFrom: (oldSize: number) => readonly string[];
  /** The size that the witness cosigned last, as far as is known; a wrong guess costs one exchange. */
  readonly guess?: number | undefined;
  /** For each exchange; default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** Exchanges that may fail for reasons that pass; default 3. */
  readonly tries?: number | undefined;
}

/** What it answered. */
export type WitnessAnswer =
  | { readonly outcome: 'cosigned'; readonly line: string; readonly timeUnixS: number }
  /**
   * It has cosigned more entries than the checkpoint has. `note`: that checkpoint, signed by the log's key, where the witness
   * shows it.
   */
  | { readonly outcome: 'ahead'; readonly size: number; readonly note: string | undefined }
  /** It has cosigned other entries up to `size`. */
  | { readonly outcome: 'fork'; readonly size: number; readonly note: string | undefined }
  | { readonly outcome: 'failed'; readonly reason: string; readonly hint: string | undefined };

/** Asks, and asks again where that can help. Never throws. */
export async function askWitness(witness: AskedWitness, question: Question): Promise<WitnessAnswer> {
  const base = URL.canParse(witness.url) ? new URL(witness.url) : undefined;
  if (base === undefined || !/^https?:$/.test(base.protocol)) return failed('its URL is not http or https');
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  try {
    return await new Asking(witness, base, question).run();
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
}

class Asking {
  readonly #witness: AskedWitness;
  readonly #base: URL;
  readonly #question: Question;
  readonly #text: string;
  readonly #origin: string;
  readonly #size: number;
  /** Without cosignatures: those of others are none of its business, and could make it too long. */
  readonly #note: Uint8Array;

  /** @throws Error for a note that the log's key did not sign. */
  constructor(witness: AskedWitness, base: URL, question: Question) {
    this.#witness = witness;
    this.#base = base;
    this.#question = question;
    const opened = openNote(question.note, question.logKey);
    if (!opened.ok) throw new Error(opened.message);
    const { text, signatures } = parseNote(question.note);
    this.#text = text;
    this.#origin = opened.checkpoint.origin;
    this.#size = opened.checkpoint.size;
    this.#note = utf8Of(
      encodeNote(
        text,
        signatures.filter(({ name }) => name === this.#origin),
      ),
    );
  }

  async run(): Promise<WitnessAnswer> {
    let oldSize = Math.min(this.#question.guess ?? 0, this.#size);
    // A guess, what the witness said, and once more for one that somebody else moved on meanwhile.
    for (let round = 0; round < 3; round++) {
      const answer = await this.#exchangeTrying(oldSize);
      if (answer.status === 200) return this.#cosignature(answer);
      if (answer.status === 422) return this.#contradicted(oldSize);
      if (answer.status !== 409) return refused(answer);
      const cosignedSize = sizeOf(answer);
      if (cosignedSize === undefined) return failed('it answers 409 without a size');
      if (cosignedSize > this.#size)
        return { outcome: 'ahead', size: cosignedSize, note: await this.#noteOf(cosignedSize) };
      if (cosignedSize === oldSize) return failed(`it answers 409 with the size it was asked with, ${oldSize}`);
      oldSize = cosignedSize;
    }
    return failed('it is at another size each time it is asked');
  }

  #cosignature({ body }: HttpAnswer): WitnessAnswer {
    let opened: OpenedCosignature | undefined;
    try {
      const { text, signatures } = parseNote(Buffer.concat([utf8Of(`${this.#text}\n`), body]));
      // An empty line in the answer would have made a part of it text.
      if (text !== this.#text) return failed('its answer is malformed: not only signature lines');
      const { cosigned, failed: bad } = openCosignatures(this.#text, signatures, [this.#witness.key]);
      if (bad[0] !== undefined) return failed(bad[0].message);
      opened = cosigned[0];
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return failed(`its answer is malformed: ${error.message}`);
    }
    if (opened === undefined)
      return failed(
        `its answer has no line by ${this.#witness.key.name} (${this.#witness.key.keyIdHex})`,
        'is the key in the policy the one that this witness has?',
      );
    return { outcome: 'cosigned', line: encodeSignatureLine(opened.line), timeUnixS: opened.timeUnixS };
  }

  /** 422 to a proof of ours: the witness has another root where we start. */
  async #contradicted(oldSize: number): Promise<WitnessAnswer> {
    if (oldSize === 0) return failed('it answers 422 to a first checkpoint');
    return { outcome: 'fork', size: oldSize, note: await this.#noteOf(oldSize) };
  }

  /** The checkpoint that the witness holds, where it shows one of at least that size with the log's signature on it. */
  async #noteOf(size: number): Promise<string | undefined> {
    try {
      const url = new URL(`${sha256Hex(this.#origin)}/checkpoint`, this.#base);
      const { status, body } = await exchange(url, 'GET', undefined, this.#question.timeoutMs ?? 10_000);
      const opened = openNote(body, this.#question.logKey);
      if (status !== 200 || !opened.ok || opened.checkpoint.origin !== this.#origin) return undefined;
      return opened.checkpoint.size >= size ? textOfUtf8(body) : undefined;
    } catch {
      return undefined;
    }
  }

  async #exchangeTrying(oldSize: number): Promise<HttpAnswer> {
    const proof = this.#question.proofFrom(oldSize);
    if (proof.length > MAX_PROOF_HASHES) throw new Error(`a proof of ${proof.length} hashes`);
    const body = encodeAddCheckpoint({ oldSize, proof, note: this.#note });
    const url = new URL('add-checkpoint', this.#base);
    const { tries = 3, timeoutMs = 10_000 } = this.#question;
    for (let tried = 1; ; tried++) {
      try {
        const answer = await exchange(url, 'POST', body, timeoutMs);
        if (tried >= tries || !(answer.status === 429 || answer.status >= 500)) return answer;
      } catch (error) {
        if (tried >= tries) throw error;
      }
      await sleep(200 * 4 ** (tried - 1));
    }
  }
}

function sizeOf({ contentType, body }: HttpAnswer): number | undefined {
  const text = Buffer.from(body).toString('latin1');
  if (!contentType.startsWith('text/x.tlog.size') || !/^(0|[1-9][0-9]{0,15})\n$/.test(text)) return undefined;
  const size = Number(text);
  return Number.isSafeInteger(size) ? size : undefined;
}

function refused({ status, body }: HttpAnswer): WitnessAnswer {
  const said = Buffer.from(body.subarray(0, 200)).toString('utf8').trim();
  const hint =
    status === 404
      ? 'its operator must list this ledger: give them what `if-witness keys show` prints; is the URL right?'
      : status === 403
        ? 'its operator lists another key for this ledger: give them what `if-witness keys show` prints'
        : undefined;
  return failed(`it answers ${status}${said === '' ? '' : `: ${said}`}`, hint);
}

function failed(reason: string, hint?: string): WitnessAnswer {
  return { outcome: 'failed', reason, hint };
}
