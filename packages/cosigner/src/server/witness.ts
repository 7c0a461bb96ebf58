/**
 * What a witness answers, without the network: the rules of c2sp.org/tlog-witness. The state is read, compared and made
 * durable, one request of a log after another, before anything that was signed leaves this room.
 */
import {
  EMPTY_ROOT_HEX,
  encodeNote,
  isConsistent,
  type NoteSignature,
  type ParsedCheckpoint,
  parseCosignature,
  type VerifierKey,
} from '@infrafabric/format';
import { openNote, readNote } from '@infrafabric/verify';
import { type AddCheckpoint, MalformedRequest, parseAddCheckpoint } from './add-checkpoint.js';
import type { LogList } from './log-list.js';
import type { Cosigned, StateFolder } from './state-folder.js';
import type { WitnessKey } from './witness-key.js';

/** An answer to `add-checkpoint`. */
export type AddCheckpointAnswer =
  /** Signature lines, each with its newline. */
  | {
      readonly status: 200;
      readonly origin: string;
      readonly size: number;
      readonly oldSize: number;
      readonly lines: string;
    }
  /** The size that was cosigned last. */
  | { readonly status: 409; readonly origin: string; readonly size: number; readonly cosignedSize: number }
  | { readonly status: 400 | 403 | 404 | 422; readonly origin: string | undefined; readonly reason: string };

/** What a witness is made of. */
export interface WitnessParts {
  readonly key: WitnessKey;
  readonly logs: LogList;
  readonly state: StateFolder;
  /** Seconds since the Unix epoch. */
  readonly nowUnixS: () => number;
  /** Told of a signed checkpoint that contradicts what was cosigned; the file it is kept in, if it could be. */
  readonly onFork: (origin: string, size: number, file: string | undefined) => void;
}

/** A checkpoint that a listed key signed. */
interface Submitted {
  readonly request: AddCheckpoint;
  readonly checkpoint: ParsedCheckpoint;
  readonly text: string;
  /** The log's lines that verified. */
  readonly signatures: readonly NoteSignature[];
}

/** Answers. */
export class Witness {
  readonly #parts: WitnessParts;
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(parts: WitnessParts) {
    this.#parts = parts;
  }

  /** @throws CosignerError `state`, or what the file system throws: then nothing was cosigned that could have been given out. */
  async addCheckpoint(body: Uint8Array): Promise<AddCheckpointAnswer> {
    const submitted = this.#open(body);
    if ('status' in submitted) return submitted;
    return this.#inTurn(submitted.checkpoint.origin, () => this.#advance(submitted));
  }

  /** The newest cosigned checkpoint of a log, with its and our signatures. @param originHash hex SHA-256 */
  async checkpoint(originHash: string): Promise<Uint8Array | undefined> {
    return (await this.#parts.state.readByHash(originHash))?.octets;
  }

  /** Waits for what is under way. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#turns.values());
  }

  #open(body: Uint8Array): Submitted | AddCheckpointAnswer {
    let request: AddCheckpoint;
    try {
      request = parseAddCheckpoint(body);
    } catch (error) {
      if (error instanceof MalformedRequest) return { status: 400, origin: undefined, reason: error.message };
      throw error;
    }
    const read = readNote(request.note);
    if (!read.ok) return { status: 400, origin: undefined, reason: read.message };
    const { checkpoint, note } = read;
    const { origin, size } = checkpoint;
    const keys = this.#parts.logs.keysOf(origin);
    if (keys.length === 0) return { status: 404, origin, reason: 'this witness does not know that log' };
    const opened = keys.map((key) => openNote(request.note, key));
    const failed = opened.find((one) => !one.ok && one.fault !== 'unsigned');
    if (failed !== undefined && !failed.ok) return { status: 403, origin, reason: failed.message };
    const signing = keys.filter((_, i) => opened[i]!.ok);
    if (signing.length === 0)
      return { status: 403, origin, reason: 'no signature by a key that is known for that log' };
    if (request.oldSize > size)
      return { status: 400, origin, reason: 'the old size is larger than that of the checkpoint' };
    const signatures = note.signatures.filter((line) => signing.some((key) => isBy(line, key)));
    return { request, checkpoint, text: note.text, signatures };
  }

  async #advance({ request, checkpoint, text, signatures }: Submitted): Promise<AddCheckpointAnswer> {
    const { key, state, nowUnixS } = this.#parts;
    const { origin, size, rootHex } = checkpoint;
    const { oldSize, proof } = request;
    const cosigned = await state.read(origin);
    await this.#lookForFork(checkpoint, request.note, cosigned);
    const cosignedSize = cosigned?.checkpoint.size ?? 0;
    if (oldSize !== cosignedSize) return { status: 409, origin, size, cosignedSize };
    const refused = (reason: string): AddCheckpointAnswer => ({ status: 422, origin, reason });
    if (size === 0 && rootHex !== EMPTY_ROOT_HEX) return refused('the root of the empty tree is another');
    const oldRootHex = cosigned?.checkpoint.rootHex ?? EMPTY_ROOT_HEX;
    if (oldSize === size && rootHex !== oldRootHex) return refused('another root was cosigned at this size');
    if (!isConsistent(oldSize, oldRootHex, size, rootHex, proof))
      return refused('the proof does not show that the checkpoint continues the one that was cosigned');
    // A clock that went backwards must not make an older time say something else about a larger tree.
    const timeUnixS = Math.max(1, nowUnixS(), timeOf(cosigned, key.key));
    const line = key.cosign(text, timeUnixS);
    await state.write(origin, `${encodeNote(text, signatures)}${line}\n`);
    return { status: 200, origin, oldSize, size, lines: `${line}\n` };
  }

  /** Two signed roots of one size are proof that the log has two histories. */
  async #lookForFork(
    { origin, size, rootHex }: ParsedCheckpoint,
    note: Uint8Array,
    cosigned?: Cosigned,
  ): Promise<void> {
    if (cosigned === undefined || cosigned.checkpoint.size !== size || cosigned.checkpoint.rootHex === rootHex) return;
    const file = await this.#parts.state.keepEvidence(origin, note).catch(() => undefined);
    this.#parts.onFork(origin, size, file);
  }

  #inTurn<T>(origin: string, work: () => Promise<T>): Promise<T> {
    const run = (this.#turns.get(origin) ?? Promise.resolve()).then(work);
    const settled = run.catch(() => undefined);
    this.#turns.set(origin, settled);
    void settled.then(() => {
      if (this.#turns.get(origin) === settled) this.#turns.delete(origin);
    });
    return run;
  }
}

function isBy({ name, keyIdHex }: NoteSignature, key: VerifierKey): boolean {
  return name === key.name && keyIdHex === key.keyIdHex;
}

/** When we cosigned last. */
function timeOf(cosigned: Cosigned | undefined, key: VerifierKey): number {
  const own = cosigned?.note.signatures.find((line) => isBy(line, key));
  return own === undefined ? 0 : parseCosignature(own.signature).timeUnixS;
}
