/** One entry of every type that version 1 defines, put together from the format alone: not all of them has a writer yet. */
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import {
  base64Of,
  encodeBody,
  encodeCheckpoint,
  encodeEntry,
  encodeNote,
  encodeSpanBody,
  encodeVkey,
  hexOf,
  keyIdHexOf,
  leafHashHex,
  MerkleFrontier,
  parseEntry,
  payloadDigestHex,
  sha256Hex,
  utf8Of,
  ZERO_HASH_HEX,
} from '@infrafabric/format';
import { call, computed } from './accounts.mjs';
import { fixedSources } from './fixed-sources.mjs';
import { payloadRow } from './rows.mjs';

const START = 1_767_323_000_000_000_000n;

/** The ledger, and the payload that its redaction leaves. */
export function controlLedger() {
  const { sources } = fixedSources('control', START);
  const origin = `if-witness/${hexOf(sources.randomBytes(10))}`;
  const [oldKey, newKey] = [keyOf(sources.randomBytes(32), origin), keyOf(sources.randomBytes(32), origin)];
  const frontier = new MerkleFrontier();
  const entries = [];
  const checkpoints = [];
  const batch = (keys, ...drafts) => {
    const at = String(sources.nowUnixNano());
    drafts.forEach(({ type, body, json, critical, payload }, i) => {
      const previous = checkpoints.at(-1);
      const text = encodeEntry(
        {
          at,
          ...(i === 0 && previous !== undefined ? { checkpoint: sha256Hex(previous.note) } : {}),
          ...(critical === undefined ? {} : { critical }),
          ...(payload === undefined ? {} : { payload }),
          prev: entries.at(-1)?.leaf ?? ZERO_HASH_HEX,
          seq: entries.length,
          type,
        },
        json ?? encodeBody(body),
      );
      entries.push({ seq: entries.length, leaf: leafHashHex(text), entry: text });
      frontier.push(leafHashHex(text));
    });
    const text = encodeCheckpoint({ origin, size: frontier.size, rootHex: frontier.rootHex() });
    checkpoints.push({
      size: frontier.size,
      note: encodeNote(
        text,
        keys.map((key) => key.sign(origin, text)),
      ),
    });
  };

  batch([oldKey], { type: 'genesis', body: { format: 1, key: oldKey.vkey, origin } });
  // Erased by the redaction below, so only its digest is left.
  const erased = payloadDigestHex(sources.randomBytes(32), utf8Of('stands for the payload of a span'));
  batch([oldKey], { type: 'span', json: encodeSpanBody(call.body), payload: erased });
  const target = { target: 1, leaf: entries[1].leaf };
  const scope = payloadRow(3, sources.randomBytes(32), utf8Of('{"scope":{"user":"alice@example.org"}}'));
  batch(
    [oldKey],
    {
      type: 'gap',
      body: {
        count: 3,
        reason: 'spool.full',
        since: '1767323045000000000',
        source: 'voice-gateway',
        until: '1767323046000000000',
      },
    },
    {
      type: 'budget',
      body: {
        action: 'set',
        budget: 'monthly',
        currency: 'USD',
        levels: { error: 100, notice: 50, warning: 80 },
        limit: '500000000000000',
        period: 'month',
        private: ['user'],
        scope: { component: 'IF.witness.sip' },
        zone: 'Europe/Berlin',
      },
      payload: scope.digest,
    },
    {
      type: 'budget',
      body: {
        action: 'reserve',
        amount: '2500000000',
        budget: 'monthly',
        expires: '1767323105000000000',
        reservation: '0af7651916cd43dd',
      },
    },
    {
      type: 'budget',
      body: { action: 'commit', amount: '500000000', budget: 'monthly', reservation: '0af7651916cd43dd' },
    },
    {
      type: 'alert',
      body: {
        budget: 'monthly',
        currency: 'USD',
        entry: 3,
        kind: 'spent',
        level: 'warning',
        limit: '500000000000000',
        percent: 80,
        since: '1767222000000000000',
        spent: '400000000000001',
        through: 5,
        until: '1769900400000000000',
      },
    },
  );
  batch([oldKey], { type: 'adjustment', body: { ...target, charge: computed, reason: 'rates of 2026-01-01' } });
  batch([oldKey], {
    type: 'redaction',
    body: { ...target, reason: 'request of the person concerned' },
    critical: true,
  });
  const foreign = foreignLedger();
  batch(
    [oldKey],
    { type: 'import', body: { key: foreign.vkey, note: foreign.note, origin: foreign.origin } },
    { type: 'import', body: { entry: base64Of(utf8Of(foreign.entry)), head: 9, origin: foreign.origin, seq: 0 } },
  );
  batch([oldKey], {
    type: 'restored',
    body: { reason: 'disk replaced', root: sha256Hex('a root that was given up'), size: 4096 },
  });
  batch([oldKey], { type: 'index', body: indexOf(entries, 0, 12) });
  batch([oldKey, newKey], { type: 'rotation', body: { key: newKey.vkey }, critical: true });
  batch([newKey], {
    type: 'gap',
    body: { count: 1, reason: 'signer.absent', since: '0', source: 'collector', until: '1' },
  });
  return { origin, vkeys: [oldKey.vkey, newKey.vkey], entries, checkpoints, payloads: [scope] };
}

/** The smallest ledger there is. */
function foreignLedger() {
  const { sources } = fixedSources('foreign', START);
  const origin = `if-witness/${hexOf(sources.randomBytes(10))}`;
  const key = keyOf(sources.randomBytes(32), origin);
  const body = encodeBody({ format: 1, key: key.vkey, origin });
  const entry = encodeEntry({ at: String(sources.nowUnixNano()), prev: ZERO_HASH_HEX, seq: 0, type: 'genesis' }, body);
  const text = encodeCheckpoint({ origin, size: 1, rootHex: leafHashHex(entry) });
  return { origin, vkey: key.vkey, entry, note: encodeNote(text, [key.sign(origin, text)]) };
}

function keyOf(seed, origin) {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const publicKey = new Uint8Array(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32));
  return {
    vkey: encodeVkey(origin, publicKey),
    sign: (name, text) => ({
      name,
      keyIdHex: keyIdHexOf(origin, publicKey),
      signature: new Uint8Array(sign(null, utf8Of(text), privateKey)),
    }),
  };
}

/** Body of an index entry over entries `from` to `to` − 1. */
function indexOf(entries, from, to) {
  const spans = entries
    .slice(from, to)
    .map(({ entry }) => parseEntry(entry))
    .filter(({ type }) => type === 'span');
  const mapOf = (keyOf) => {
    const seqs = new Map();
    for (const { seq, body } of spans) {
      const key = keyOf(body);
      if (key !== undefined) seqs.set(key, [...(seqs.get(key) ?? []), seq]);
    }
    const frontier = new MerkleFrontier();
    for (const [key, list] of [...seqs].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const leaf = Buffer.from(`00${key}${list.map((seq) => seq.toString(16).padStart(16, '0')).join('')}`, 'hex');
      frontier.push(sha256Hex(leaf));
    }
    return { leaves: frontier.size, root: frontier.rootHex() };
  };
  const hashed = (text) => (text === undefined ? undefined : sha256Hex(text));
  return {
    business: mapOf(({ business }) => hashed(business)),
    business_parent: mapOf(({ business_parent }) => hashed(business_parent)),
    from,
    to,
    trace: mapOf(({ trace }) => trace),
  };
}
