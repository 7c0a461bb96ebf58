/**
 * The golden bundles: of a ledger that imported a part of that of `ledger.json`, erased a payload, gave its key over, and had
 * checkpoints cosigned by two witnesses of fixed keys.
 */
import { createPrivateKey, sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  bytesOfHex,
  cosignedMessage,
  encodeCosignature,
  encodeSignatureLine,
  parseCosignerVkey,
  parseNote,
  sha256Hex,
  textOfUtf8,
  utf8Of,
} from '@infrafabric/format';
import { Ledger } from '@infrafabric/ledger';
import { writeBundle } from '@infrafabric/ledger/bundle';
import { importLedger } from '@infrafabric/ledger/import';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { fixed, reported, usage } from './accounts.mjs';
import { fixedSources } from './fixed-sources.mjs';
import * as records from './records.mjs';

/** Seqs of the other ledger that are imported: one is left out between two others. */
const IMPORTED = [0, 1, 2, 3, 5, 6];

/**
 * @param {object} foreign what ledger.json holds
 * @param {bigint} start receive time before the first
 * @returns the files, by name
 */
export async function bundles(foreign, start) {
  const home = mkdtempSync(join(tmpdir(), 'bundle-vectors-'));
  try {
    const { sources } = fixedSources('bundles', start);
    const path = join(home, 'witness.db');
    await importLedger(foreignOf(foreign), { home, ledger: path, sources });
    const ledger = await Ledger.open({ home, ledger: path, sources });
    const [alice, bob] = [witness('witness.example/alice', 1), witness('witness.example/bob', 2)];
    const cosign = async (...cosigners) => {
      const { size, note } = await newest(ledger);
      await ledger.storeCosignatures(
        size,
        cosigners.map((one) => one.line(note, 1_767_400_000 + size)),
      );
    };
    await ledger.append([fixed(records.late), fixed(records.frame, usage.frame)]);
    await cosign(alice, bob);
    await ledger.append([fixed(records.otherCall, usage.call, reported)]);
    const [, first, , erasable] = await seqsOfSpans(ledger);
    await ledger.redact([erasable], 'request of the person concerned');
    const before = await vkeyOf(ledger);
    const { newVkey } = await ledger.rotate({ reason: 'once a year' });
    await cosign(alice);
    await ledger.append([fixed(records.future), fixed(records.bare)]);
    await ledger.close();
    const reader = LedgerReader.open(path);
    try {
      const note = reader.newestNote();
      const last = reader.entryCount() - 1;
      const written = (request) => {
        let text = '';
        writeBundle(reader, { note, vkey: newVkey, ...request }, (line) => {
          text += line;
        });
        return text;
      };
      const selection = { trace: 'chosen' };
      return {
        'bundles/whole.bundle': written({ seqs: undefined, selection: {} }),
        'bundles/selection.bundle': written({ seqs: [first, erasable, last], selection }),
        'bundles/no-payloads.bundle': written({ seqs: [first, erasable, last], selection, payloads: false }),
        'bundles/policy': [
          `log ${before}`,
          `witness alice ${alice.vkey}`,
          `witness bob ${bob.vkey}`,
          'group both all alice bob',
          'quorum both\n',
        ].join('\n'),
        'bundles/keys': `${before}\n${newVkey}\n`,
      };
    } finally {
      reader.close();
    }
  } finally {
    rmSync(home, { recursive: true });
  }
}

function foreignOf({ origin, vkey, checkpoints, entries, payloads, contexts }) {
  const payloadOf = (at) => {
    const row = payloads.find(({ seq }) => seq === at);
    return row === undefined ? undefined : { salt: bytesOfHex(row.salt), payload: bytesOfHex(row.payload) };
  };
  const taken = entries
    .filter(({ seq }) => IMPORTED.includes(seq))
    .map(({ seq, entry }) => ({ seq, text: entry, payload: payloadOf(seq) }));
  return {
    erased: new Set(),
    runs: [{ origin, note: utf8Of(checkpoints.at(-1).note), vkey, entries: () => taken }],
    context: (kind, digest) => {
      const row = contexts.find((context) => context.digest === digest && context.kind === kind);
      return row === undefined ? undefined : bytesOfHex(row.context);
    },
  };
}

async function newest(ledger) {
  const view = await ledger.view();
  const note = view.newestNote();
  return { note, size: view.entryCount() };
}

async function vkeyOf(ledger) {
  return (await ledger.view()).genesis().entry.body.key;
}

async function seqsOfSpans(ledger) {
  const seqs = [];
  for (const { text } of (await ledger.view()).entriesFrom()) {
    const { seq, type, body } = JSON.parse(text);
    if (type === 'span' || body.entry !== undefined) seqs.push(seq);
  }
  return seqs;
}

/** A witness of a fixed key, c2sp.org/tlog-cosignature. */
function witness(name, fill) {
  const seed = Buffer.alloc(32, fill).toString('hex');
  const der = Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex');
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const { x } = privateKey.export({ format: 'jwk' });
  const material = Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url')]);
  const keyId = sha256Hex(Buffer.concat([Buffer.from(`${name}\n`), material])).slice(0, 8);
  const vkey = `${name}+${keyId}+${material.toString('base64')}`;
  const { keyIdHex } = parseCosignerVkey(vkey);
  return {
    vkey,
    line: (note, timeUnixS) => {
      const signature = sign(null, cosignedMessage(timeUnixS, parseNote(Buffer.from(textOfUtf8(note))).text), privateKey);
      return encodeSignatureLine({ name, keyIdHex, signature: encodeCosignature({ timeUnixS, signature }) });
    },
  };
}
