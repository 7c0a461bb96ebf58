/** Ledgers by somebody who holds the private key and writes what he likes, valid or not. */
import { rmSync } from 'node:fs';
import {
  bytesOfHex,
  encodeCheckpoint,
  encodeNote,
  encodeVkey,
  LOWEST_STORED_LEVEL,
  leafHashHex,
  MerkleFrontier,
  type NoteSignature,
  parseVkey,
  sha256Hex,
  utf8Of,
  type VerifierKey,
} from '@infrafabric/format';
import { type Signer, signerOfSeed } from '@infrafabric/ledger';
import { attack } from './edits.js';

/** Where an entry is about to stand; its author may use it or not. */
export interface Place {
  readonly seq: number;
  readonly prev: string;
  /** ` ,"checkpoint":"…"` where a checkpoint precedes the entry, else empty. */
  readonly checkpoint: string;
}

/** How to forge. */
export interface Forgery {
  readonly origin: string;
  readonly signer: Signer;
  /** Batches of entry texts; the first one starts with genesis. */
  readonly batches: readonly (readonly ((place: Place) => string)[])[];
  /** Signature lines of the checkpoint of a size; default the signer's own. */
  readonly signatures?: (
    text: string,
    own: NoteSignature,
    size: number,
  ) => readonly NoteSignature[] | Promise<readonly NoteSignature[]>;
  /** Changes what a checkpoint says before it is signed. */
  readonly checkpoint?: (text: string, size: number) => string;
}

/** A genesis entry's text. */
export function genesisOf(origin: string, vkey: string, format: number | string = 1): (place: Place) => string {
  return ({ prev }) =>
    `{"at":"1753000000000000000","body":{"format":${format},"key":"${vkey}","origin":"${origin}"},"prev":"${prev}","seq":0,"type":"genesis"}`;
}

/** A control entry's text around a body that is written as given. */
export function controlEntry(type: string, body: string, more = ''): (place: Place) => string {
  return ({ seq, prev, checkpoint }) =>
    `{"at":"1753000000000000000","body":${body}${checkpoint}${more},"prev":"${prev}","seq":${seq},"type":"${type}"}`;
}

/** The text of a rotation to a key; it belongs at the end of its batch. */
export function rotationTo(vkey: string): (place: Place) => string {
  return controlEntry('rotation', `{"key":${JSON.stringify(vkey)}}`, ',"critical":true');
}

/** Signer and key of a seed. */
export async function keyPair(
  origin: string,
  fill: number,
): Promise<{ signer: Signer; vkey: string; key: VerifierKey }> {
  const signer = signerOfSeed(origin, new Uint8Array(32).fill(fill));
  const vkey = encodeVkey(origin, signer.publicKey);
  return { signer, vkey, key: parseVkey(vkey) };
}

/** A copy of `template`, emptied and filled with the forgery: whole chain, tree, checkpoints. @returns its path. */
export async function forgeLedger(template: string, forgery: Forgery): Promise<string> {
  const { origin, signer } = forgery;
  const rows: { seq: number; text: string }[] = [];
  const nodes: [number, number, Uint8Array][] = [];
  const notes: [number, Uint8Array][] = [];
  const frontier = new MerkleFrontier();
  let prev = '0'.repeat(64);
  for (const batch of forgery.batches) {
    for (const [i, write] of batch.entries()) {
      const newest = notes.at(-1)?.[1];
      const checkpoint = i === 0 && newest !== undefined ? `,"checkpoint":"${sha256Hex(newest)}"` : '';
      const seq = frontier.size;
      const text = write({ seq, prev, checkpoint });
      rows.push({ seq, text });
      prev = leafHashHex(text);
      frontier.push(prev, (level, index, hash) => {
        if (level >= LOWEST_STORED_LEVEL) nodes.push([level, index, bytesOfHex(hash)]);
      });
    }
    const honest = encodeCheckpoint({ origin, size: frontier.size, rootHex: frontier.rootHex() });
    const text = forgery.checkpoint?.(honest, frontier.size) ?? honest;
    const own = { name: origin, keyIdHex: signer.keyIdHex, signature: await signer.sign(utf8Of(text)) };
    const lines = (await forgery.signatures?.(text, own, frontier.size)) ?? [own];
    notes.push([frontier.size, utf8Of(encodeNote(text, lines))]);
  }
  const path = attack(template, (db) => {
    for (const table of ['entries', 'payloads', 'contexts', 'checkpoints', 'nodes']) db.exec(`DELETE FROM ${table}`);
    const entry = db.prepare(
      'INSERT INTO entries (seq, segment, type, trace_id, span_id, business, business_parent, entry) VALUES (?, 0, ?, NULL, NULL, NULL, NULL, CAST(? AS TEXT))',
    );
    for (const { seq, text } of rows) {
      // What is forged need not even be JSON, so only what the column must say is taken from it.
      const type = /"type":"([^"]*)"\}$/.exec(text)?.[1];
      entry.run(seq, type, Buffer.from(text));
    }
    for (const node of nodes) db.prepare('INSERT INTO nodes VALUES (?, ?, ?)').run(...node);
    for (const note of notes) db.prepare('INSERT INTO checkpoints VALUES (?, ?)').run(...note);
  });
  rmSync(`${path}.head`, { force: true });
  return path;
}
