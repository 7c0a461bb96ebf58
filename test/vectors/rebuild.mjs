/**
 * `node test/vectors/rebuild.mjs` writes the golden vectors anew; see README.md beside it. The same key, clock and salts
 * every time, so the JSON files come out byte for byte as they are, or the format has changed.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeSpanBody, hexOf } from '@infrafabric/format';
import { draftSpan, Ledger, localKeys } from '@infrafabric/ledger';
import { call, computed, estimated, fixed, reported, unpriced, usage } from './accounts.mjs';
import { bundles } from './bundles.mjs';
import { controlLedger } from './control-ledger.mjs';
import { fixedSources } from './fixed-sources.mjs';
import * as records from './records.mjs';
import { rowsOf } from './rows.mjs';

const START = 1_767_323_000_000_000_000n;
const folder = fileURLToPath(new URL('.', import.meta.url));

const batches = [
  [call, fixed(records.child, usage.child, computed), fixed(records.bare)],
  // A retry: acknowledged again, nothing stored.
  [call],
  // A twin inside one batch, and other content under known ids.
  [
    fixed(records.frame, usage.frame, estimated),
    fixed(records.frame, usage.frame, estimated),
    fixed(records.otherCall, usage.call, reported),
  ],
  [
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
  ],
  'clock goes back a minute',
  [fixed(records.late), fixed(records.long)],
  [fixed(records.odd), fixed(records.unknown, usage.unknown, unpriced), fixed(records.future)],
];

/** A ledger of spans as the writer makes it: every row of its file, and the file. */
async function ledger(database) {
  const { sources, setClock } = fixedSources('ledger', START);
  return inNewHome(sources, database, async (ledger) => {
    const appended = [];
    for (const batch of batches) {
      if (typeof batch === 'string') setClock(START - 60_000_000_000n);
      else appended.push((await ledger.append(batch)).map(({ outcome, seq }) => `${outcome} ${seq}`));
    }
    return { appended };
  });
}

/** A ledger that is long enough for stored tree nodes. Its entries are many, so their hashes stand for them. */
async function tree() {
  const { sources } = fixedSources('tree', START);
  const { entries, ...rest } = await inNewHome(sources, undefined, async (ledger) => {
    for (const size of [2, 255, 256, 257, 511, 512, 513, 700]) {
      const from = ledger.next ?? 1;
      ledger.next = size;
      const gap = (seq) => ({
        type: 'gap',
        body: { count: seq, reason: 'vector', since: '0', source: 'tree', until: '0' },
      });
      await ledger.append(Array.from({ length: size - from }, (_, i) => gap(from + i)));
    }
    return {};
  });
  const { contexts: _contexts, payloads: _payloads, ...kept } = rest;
  return { ...kept, leaves: entries.map(({ leaf }) => leaf) };
}

/** A ledger in which payloads were erased: one with the context that it alone named, one of a budget, one twice asked for. */
async function erased() {
  const { sources } = fixedSources('erased', START);
  return inNewHome(sources, undefined, async (ledger) => {
    await ledger.append([call, fixed(records.bare), fixed(records.frame, usage.frame, estimated)]);
    const body = { action: 'remove', budget: 'monthly' };
    await ledger.append([{ type: 'budget', body, payload: { scope: { user: 'alice@example.org' } } }]);
    for (const targets of [[3], [1, 4], [3, 4]]) await ledger.redact(targets, 'request of the person concerned');
    const view = await ledger.view();
    const rows = [...view.erased(0, Number.POSITIVE_INFINITY)].flat();
    return { erased: rows.map(([seq, redaction]) => ({ seq, redaction })) };
  });
}

async function inNewHome(sources, database, fill) {
  const home = mkdtempSync(join(tmpdir(), 'vectors-'));
  try {
    const ledger = await Ledger.open({ home, sources });
    const origin = ledger.origin();
    const extra = await fill(ledger);
    await ledger.close();
    if (database !== undefined) copyFileSync(ledger.paths.ledger, database);
    const [{ vkey }] = localKeys(home, origin);
    return { origin, vkey, ...extra, ...rowsOf(ledger.paths.ledger) };
  } finally {
    rmSync(home, { recursive: true });
  }
}

/** How spans are read and encoded today. */
function drafts() {
  return Object.entries(records)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, record]) => {
      const { body, resourceContext, scopeContext, span } = draftSpan(record);
      return {
        name,
        body: encodeSpanBody(body),
        span: hexOf(span),
        resourceContext: hexOf(resourceContext),
        scopeContext: hexOf(scopeContext),
      };
    });
}

/** The vectors by file name; `database`: where to put the file behind ledger.json. */
export async function rebuild(database) {
  const written = await ledger(database);
  const vectors = {
    'ledger.json': written,
    'tree.json': await tree(),
    'control.json': controlLedger(),
    'erased.json': await erased(),
    'drafts.json': drafts(),
  };
  const texts = Object.entries(vectors).map(([name, vector]) => [name, `${JSON.stringify(vector, null, 1)}\n`]);
  return { ...Object.fromEntries(texts), ...(await bundles(written, START)) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, json] of Object.entries(await rebuild(join(folder, 'witness.db')))) {
    const file = join(folder, name);
    let state = 'new';
    try {
      state = readFileSync(file, 'utf8') === json ? 'unchanged' : 'CHANGED';
    } catch {
      // There is none yet.
    }
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, json);
    console.log(`${name}: ${state}`);
  }
}
