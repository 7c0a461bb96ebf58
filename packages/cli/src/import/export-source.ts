/** A JSON export as what is imported: read once to verify it, once more to take it. */
import {
  bytesOfBase64,
  bytesOfHex,
  type ContextKind,
  contextDigestHex,
  decodeSpanPayload,
  type Entry,
  encodeVkey,
  FormatError,
  leafHashHex,
  MerkleFrontier,
  parseEntry,
  payloadDigestHex,
  textOfUtf8,
  utf8Of,
  ZERO_HASH_HEX,
} from '@infrafabric/format';
import { localKeys } from '@infrafabric/ledger';
import type { ForeignEntry } from '@infrafabric/ledger/import';
import { openNote, readNote } from '@infrafabric/verify';
import { CliError } from '../cli-error.js';
import { type ChosenKey, keyOfFlag, localKeyOf, type SelfDescription } from '../verify/choose-key.js';
import { jsonValues } from './json-values.js';
import type { ImportSource, SourceFault, SourceOptions } from './source.js';

/** Resources and scopes are held in memory; a ledger rarely has more than a few kilobytes of them. */
const MAX_CONTEXT_OCTETS = 256 * 1024 * 1024;

/** @throws CliError `input` for what is no export, or one that lacks the entries themselves. */
export async function exportSource({ file, home, key, onProgress }: SourceOptions): Promise<ImportSource> {
  const pass = new FirstPass(file, onProgress);
  pass.read();
  const { origin, size, note, genesisVkey } = pass.ledger();
  const chosen =
    key === undefined ? heldKey(home, note, { origin, vkey: genesisVkey, epochs: undefined, size }) : keyOfFlag(key);
  const fault = pass.fault(chosen);
  let unreadable = 0;
  const isVerified = fault === undefined && chosen !== undefined;
  const vkey = isVerified ? encodeVkey(chosen.key.name, chosen.key.publicKey) : undefined;
  const entries = function* (): Generator<ForeignEntry> {
    unreadable = 0;
    for (const { key: member, isElement, value } of jsonValues(file)) {
      if (member !== 'entries' || !isElement) continue;
      const entry = readElement(value);
      if (entry === undefined) unreadable++;
      else yield { seq: entry.entry.seq, text: entry.text, payload: entry.payload };
    }
  };
  return {
    kind: 'JSON export',
    origin,
    size,
    keyIdHex: vkey === undefined ? undefined : chosen?.key.keyIdHex,
    fault,
    checked: [
      `${size.toLocaleString('en')} entries, each bound to the one before, all of them to the root that the newest checkpoint signs`,
      'every payload that came along, with its resource and scope, against the digest in its entry',
    ],
    notChecked: [
      'that the export is of the newest state of its ledger: compare its size and root with an anchor',
      'checkpoints before the newest one, which an export does not have',
    ],
    foreign: {
      erased: pass.erased,
      runs: [{ origin, note, vkey, entries }],
      context: (kind, digest) => pass.contexts.get(kind + digest),
    },
    unreadable: () => unreadable,
    close: async () => undefined,
  };
}

/**
 * The held key that opens the note, where there are several. Not one that a rotation in the export names: an export lacks the
 * checkpoint in which the older key agreed to it.
 */
function heldKey(home: string, note: Uint8Array, itself: SelfDescription): ChosenKey | undefined {
  const { origin } = itself;
  const held = origin === undefined ? [] : localKeys(home, origin).map(({ vkeyFile }) => keyOfFlag(vkeyFile));
  const opens = held.find(({ key }) => openNote(note, key).ok);
  return opens === undefined ? localKeyOf(home, itself) : { ...opens, source: 'local' };
}

interface Header {
  readonly origin: string;
  readonly size: number;
  readonly note: Uint8Array;
  readonly genesisVkey: string | undefined;
}

interface UntrustedHeader {
  readonly origin?: unknown;
  readonly size?: unknown;
  readonly checkpoint?: unknown;
}

interface Element {
  readonly text: string;
  readonly entry: Entry;
  readonly payload: ForeignEntry['payload'];
}

/** Everything of an export that can be verified by reading it once. */
class FirstPass {
  readonly contexts = new Map<string, Uint8Array>();
  /** Seqs of entries whose payload a redaction says it erased. */
  readonly erased = new Set<number>();
  readonly #file: string;
  readonly #onProgress: SourceOptions['onProgress'];
  readonly #tree = new MerkleFrontier();
  readonly #named = new Set<string>();
  readonly #missing: number[] = [];
  #contextOctets = 0;
  #prevHex = ZERO_HASH_HEX;
  #elements = 0;
  #fault: string | undefined;
  #header: UntrustedHeader | undefined;
  #genesis: Entry | undefined;

  constructor(file: string, onProgress: SourceOptions['onProgress']) {
    this.#file = file;
    this.#onProgress = onProgress;
  }

  read(): void {
    for (const { key, isElement, value } of jsonValues(this.#file)) {
      if (key === 'ledger' && !isElement) this.#header = (value ?? {}) as UntrustedHeader;
      else if (key === 'entries' && isElement) this.#entry(value);
      else if (key === 'contexts' && isElement) this.#context(value);
      else if (key === 'trace_id' || key === 'totals')
        throw new CliError('input', `${this.#file} is what trace prints, not an export`);
    }
  }

  ledger(): Header {
    const { origin, checkpoint } = this.#header ?? {};
    const note = typeof checkpoint === 'string' ? utf8Of(checkpoint) : new Uint8Array();
    const read = readNote(note);
    if (!read.ok || read.checkpoint.origin !== origin) {
      throw new CliError(
        'input',
        `${this.#file} has no checkpoint of its ledger, so there is nothing to continue from`,
        {
          hint: 'export the ledger once more, or import the ledger file itself',
        },
      );
    }
    const genesisKey = this.#genesis?.body.key;
    return {
      origin: read.checkpoint.origin,
      size: read.checkpoint.size,
      note,
      genesisVkey: typeof genesisKey === 'string' ? genesisKey : undefined,
    };
  }

  /** Why the export as a whole is not what the key signed, or why nobody can tell. */
  fault(chosen: ChosenKey | undefined): SourceFault | undefined {
    const { size, note } = this.ledger();
    const read = readNote(note);
    const wrong = (message: string): SourceFault => ({
      message: `${this.#file}: ${message}`,
      hint: '--unverified imports what can be read, and says in the ledger that nobody verified it',
      exitCode: 1,
    });
    if (this.#fault !== undefined) return wrong(this.#fault);
    if (this.#tree.size !== size) {
      return wrong(
        `it holds ${this.#tree.size} entries of a ledger of ${size}: a part, which no checkpoint signs by itself`,
      );
    }
    if (!read.ok || this.#tree.rootHex() !== read.checkpoint.rootHex)
      return wrong('its entries are not those that its checkpoint signs');
    const lost = this.#missing.filter((seq) => !this.erased.has(seq));
    for (const name of this.#named) if (!this.contexts.has(name)) return wrong('a resource or scope is missing');
    if (chosen === undefined) {
      return {
        message: `${this.#file}: no key is held that could vouch for it`,
        hint: 'name the key that you hold with --key, or import it --unverified',
        exitCode: 3,
      };
    }
    if (!openNote(note, chosen.key).ok)
      return wrong(`its checkpoint is not signed by the key of ${chosen.from} (${chosen.key.keyIdHex})`);
    if (lost.length > 0) {
      return {
        ...wrong(`${lost.length} payloads are missing, from entry ${lost[0]} on, and no redaction entry says why`),
        exitCode: 3,
      };
    }
    return undefined;
  }

  #entry(value: unknown): void {
    const at = this.#elements++;
    if (at % 1_000 === 0) this.#onProgress(at, Number(this.#header?.size ?? 0));
    const element = readElement(value);
    if (element === undefined) {
      if (at === 0 && !hasStored(value)) {
        throw new CliError('input', `${this.#file} lacks the entries themselves, so it cannot be imported`, {
          hint: 'it was written by an older if-witness, or by another command; export the ledger once more with this one',
        });
      }
      this.#fault ??= `what should be entry ${at} cannot be read`;
      return;
    }
    const { text, entry, payload } = element;
    if (entry.seq === 0) this.#genesis = entry;
    if (entry.seq !== this.#tree.size) this.#fault ??= `entry ${this.#tree.size} is missing`;
    else if (entry.prev !== this.#prevHex) this.#fault ??= `Hash chain broken at entry ${Math.max(0, entry.seq - 1)}`;
    this.#prevHex = leafHashHex(text);
    this.#tree.push(this.#prevHex);
    if (entry.type === 'redaction' && typeof entry.body.target === 'number') this.erased.add(entry.body.target);
    this.#payload(entry, payload);
  }

  #payload(entry: Entry, payload: ForeignEntry['payload']): void {
    if (payload === undefined) {
      if (entry.payload !== undefined) this.#missing.push(entry.seq);
      return;
    }
    if (payloadDigestHex(payload.salt, payload.payload) !== entry.payload)
      this.#fault ??= `the payload of entry ${entry.seq} is not the one that was signed`;
    const parts = entry.type === 'span' ? decodeSpanPayload(payload.payload) : undefined;
    if (parts === undefined) return;
    this.#named.add(`resource${parts.resourceDigestHex}`).add(`scope${parts.scopeDigestHex}`);
  }

  #context(value: unknown): void {
    const { kind, octets } = (value ?? {}) as { readonly kind?: unknown; readonly octets?: unknown };
    const bytes = typeof octets === 'string' ? octetsOf(octets) : undefined;
    if ((kind !== 'resource' && kind !== 'scope') || bytes === undefined) {
      this.#fault ??= 'a resource or scope cannot be read';
      return;
    }
    this.#contextOctets += bytes.length;
    if (this.#contextOctets > MAX_CONTEXT_OCTETS)
      throw new CliError('input', `${this.#file} has more resources and scopes than fit into memory`);
    this.contexts.set(kind + contextDigestHex(kind satisfies ContextKind, bytes), bytes);
  }
}

function hasStored(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'stored' in value;
}

/** Undefined for an element without an entry, or whose octets are none. */
function readElement(value: unknown): Element | undefined {
  const { stored } = (value ?? {}) as { readonly stored?: Readonly<Record<string, unknown>> };
  const { entry, salt, payload } = stored ?? {};
  const octets = typeof entry === 'string' ? octetsOf(entry) : undefined;
  if (octets === undefined) return undefined;
  try {
    const text = textOfUtf8(octets);
    return { text, entry: parseEntry(text), payload: readPayload(salt, payload) };
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function readPayload(salt: unknown, payload: unknown): ForeignEntry['payload'] {
  if (typeof salt !== 'string' || typeof payload !== 'string') return undefined;
  return { salt: bytesOfHex(salt), payload: bytesOfBase64(payload) };
}

function octetsOf(base64: string): Uint8Array | undefined {
  try {
    return bytesOfBase64(base64);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
