/** `import`: what was in a ledger is in the new one, octet for octet, and shown and counted as before. */
import { once } from 'node:events';
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { draftSpan, Ledger } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import Sqlite from 'better-sqlite3';
import { beforeAll, describe, expect, test } from 'vitest';
import { editInPlace } from '../attacks/edits.js';
import { spanRecord } from '../attacks/spans.js';
import { type EntryJson, Home } from './run.js';

/** A ledger with flows, costs, a budget and another price for one of its spans. */
function written(): Home {
  const home = new Home();
  const log = (event: string, flow: string, ...more: string[]): void => {
    expect(home.log(event, flow, ...more)).toMatchObject({ exitCode: 0 });
  };
  log('call', 'flow', '--payload', '{"n": 12345678901234567890}', '--cost', '0.5', '--model', 'gpt-5');
  log('ask', 'flow', '--tokens-in', '1000', '--tokens-out', '50', '--model', 'gpt-5');
  log('answer', 'child', '--parent-trace-id', 'flow', '--status', 'error', '--status-message', 'busy');
  expect(home.optimise(['budget', '--set', '0.1', '--period', 'total'])).toMatchObject({ exitCode: 0 });
  expect(
    home.optimise(['rates', 'set', '--model', 'gpt-5', '--input', '2', '--output', '3', '--from', '2020-01-01']),
  ).toMatchObject({
    exitCode: 0,
  });
  expect(home.optimise(['rates', 'reprice', '--yes', '--reason', 'new contract'])).toMatchObject({ exitCode: 0 });
  return home;
}

function keyOf(home: Home, ledger = home.ledger): string {
  return home.witness(['keys', 'show', '--ledger', ledger]).stdout.trim();
}

/** Stored entries in order. */
function entriesOf(path: string): string[] {
  const reader = LedgerReader.open(path);
  try {
    return [...reader.entriesFrom()].map(({ text }) => text);
  } finally {
    reader.close();
  }
}

/** The entries that a ledger imported, in order. */
function importedBy(path: string): string[] {
  return entriesOf(path).flatMap((text) => {
    const { type, body } = JSON.parse(text) as { type: string; body: { entry?: string } };
    return type === 'import' && body.entry !== undefined ? [Buffer.from(body.entry, 'base64').toString()] : [];
  });
}

/** An entry of `trace` without what says where it is stored. */
function meaning(entry: EntryJson): object {
  const { seq: _seq, hash: _hash, ...rest } = entry;
  const {
    received: _received,
    type: _type,
    imported: _imported,
    cost_adjusted_by: _by,
    ...all
  } = rest as never as {
    [member: string]: unknown;
  };
  return all;
}

/** Sums, without the cards that prices were once computed from: an account that grew remembers those of prices that were replaced. */
function sums(json: string): unknown {
  const { rate_cards: _cards, ...rest } = JSON.parse(json) as { readonly [member: string]: unknown };
  return rest;
}

function into(home: Home, file: string, ...more: string[]): Home {
  const fresh = new Home();
  const ran = fresh.witness(['import', file, '--key', keyOf(home), ...more]);
  expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
  return fresh;
}

describe('a round trip', () => {
  let home: Home;
  let exported: string;
  let bundled: string;
  beforeAll(() => {
    home = written();
    exported = home.beside('backup.json');
    expect(home.witness(['export', '--format', 'json', '--output', exported])).toMatchObject({ exitCode: 0 });
    bundled = home.beside('backup.bundle');
    expect(home.witness(['export', '--format', 'bundle', '--output', bundled])).toMatchObject({ exitCode: 0 });
  });

  test.each<[string, () => string]>([
    ['a ledger file', () => home.ledger],
    ['a JSON export', () => exported],
    ['a bundle', () => bundled],
  ])('of %s: VALID, the entries octet for octet, trace, cost, report and spans as before', (_, file) => {
    const fresh = into(home, file());
    const verified = JSON.parse(fresh.witness(['verify', '--json', '--all-signatures', '--deep']).stdout);
    const old = entriesOf(home.ledger);
    expect(verified).toMatchObject({
      verdict: 'VALID',
      imported: { entries: old.length, unverified: 0 },
      not_understood: {},
    });
    expect(importedBy(fresh.ledger)).toEqual(old);
    const [before, after] = [home.trace('flow'), fresh.trace('flow')];
    expect(after.entries.map(meaning)).toEqual(before.entries.map(meaning));
    expect(after.totals).toEqual(before.totals);
    const at = (index: number): unknown => (after.entries[index] as never as { imported: unknown }).imported;
    expect(at(0)).toMatchObject({ seq: before.entries[0]!.seq, hash: before.entries[0]!.hash });
    for (const args of [
      ['export', '--format', 'otlp-json'],
      ['export', '--format', 'cdr-json'],
    ])
      expect([args, fresh.witness(args).stdout]).toEqual([args, home.witness(args).stdout]);
    for (const args of [
      ['cost', '--json'],
      ['cost', '--trace-id', 'flow', '--json'],
    ])
      expect([args, sums(fresh.witness(args).stdout)]).toEqual([args, sums(home.witness(args).stdout)]);
    const report = ['report', '--group-by', 'trace,model', '--json'];
    expect(sums(fresh.optimise(report).stdout)).toEqual(sums(home.optimise(report).stdout));
    expect(sums(fresh.optimise([...report, '--recompute']).stdout)).toEqual(sums(home.optimise(report).stdout));
    expect(fresh.witness(['trace', 'flow']).stdout).toContain('imported from if-witness/');
    expect(fresh.witness(['replay', 'flow', '--to', 'http://127.0.0.1:1', '--dry-run']).stdout).toContain('3 spans');
  });

  test('an imported budget limits nothing', () => {
    expect(home.optimise(['budget', 'check']).exitCode).toBe(1);
    const fresh = into(home, home.ledger);
    expect(JSON.parse(fresh.optimise(['budget', '--json']).stdout)).toMatchObject({ budgets: [] });
    // What is set here counts what was spent there.
    fresh.optimise(['budget', '--set', '0.1', '--period', 'total']);
    expect(fresh.optimise(['budget', 'check']).exitCode).toBe(1);
  });

  test('the price of an adjustment is explained by an entry of the new ledger that names the old one', () => {
    const fresh = into(home, home.ledger);
    const asked = fresh.trace('flow').entries.find(({ event }) => event === 'ask')!;
    const explained = fresh.optimise(['rates', 'explain', String(asked.seq)]);
    expect(explained.stdout).toMatch(
      /adjusted +by entry \d+: as entry \d+ of if-witness\/[0-9a-f]{20} says: new contract/,
    );
    expect(explained.exitCode).toBe(0);
  });

  test('an import is imported again: still the same spans, once, from where they first were', () => {
    const second = into(home, home.ledger);
    const third = into(second, second.ledger);
    expect(third.witness(['verify', '-q'])).toMatchObject({ exitCode: 0 });
    expect(third.trace('flow').entries.map(meaning)).toEqual(home.trace('flow').entries.map(meaning));
    expect(third.trace('flow').totals).toEqual(home.trace('flow').totals);
    expect(sums(third.witness(['cost', '--json']).stdout)).toEqual(sums(home.witness(['cost', '--json']).stdout));
    const { origin } = JSON.parse(home.witness(['verify', '--json']).stdout) as { origin: string };
    const [entry] = third.trace('flow').entries as never as { imported: { origin: string } }[];
    expect(entry!.imported.origin).toBe(origin);
  });

  test('--json has a documented result', () => {
    const fresh = new Home();
    const ran = fresh.witness(['import', home.ledger, '--key', keyOf(home), '--json']);
    const entries = entriesOf(home.ledger).length;
    expect(JSON.parse(ran.stdout)).toEqual({
      ledger: fresh.ledger,
      origin: expect.stringMatching(/^if-witness\//),
      from: {
        kind: 'ledger',
        origin: expect.stringMatching(/^if-witness\//),
        size: entries,
        key_id: expect.stringMatching(/^[0-9a-f]{8}$/),
      },
      verified: true,
      fault: null,
      checked: [expect.stringContaining('VALID')],
      not_checked: expect.arrayContaining([expect.stringContaining('anchors')]),
      entries,
      unverified: 0,
      unreadable: 0,
      spans: 3,
      payloads: 3,
      payloads_erased: 0,
      payloads_missing: { count: 0, first_seqs: [] },
      payloads_refused: { count: 0, first_seqs: [] },
      adjustments: 1,
    });
  });
});

describe('only into a ledger without entries', () => {
  test('one that has some is left as it is', () => {
    const [home, other] = [written(), new Home()];
    other.log('mine', 't');
    const before = readFileSync(other.ledger);
    const ran = other.witness(['import', home.ledger, '--key', keyOf(home)]);
    expect(ran).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('2 entries already') });
    expect(ran.stderr).toContain('hint: ');
    expect(readFileSync(other.ledger)).toEqual(before);
  });

  test('one that verify has just made is replaced, as the recovery of the guide has it', () => {
    const [home, fresh] = [written(), new Home()];
    expect(fresh.witness(['verify'])).toMatchObject({ exitCode: 0 });
    expect(fresh.witness(['import', home.ledger, '--key', keyOf(home)])).toMatchObject({ exitCode: 0 });
    expect(fresh.witness(['verify', '-q'])).toMatchObject({ exitCode: 0 });
    expect(fresh.log('after', 'flow')).toMatchObject({ exitCode: 0 });
    expect(fresh.trace('flow').entries).toHaveLength(4);
    expect(fresh.witness(['doctor'])).toMatchObject({ exitCode: 0 });
  });

  test('not over a remembered head whose ledger is gone', () => {
    const [home, fresh] = [written(), new Home()];
    fresh.log('mine', 't');
    cpSync(`${fresh.ledger}.head`, `${fresh.beside('x.db')}.head`);
    const ran = fresh.witness(['import', home.ledger, '--key', keyOf(home), '--ledger', fresh.beside('x.db')]);
    expect(ran).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('its head is remembered') });
  });
});

describe('what does not verify', () => {
  const nothingLeft = (home: Home): void => {
    expect(existsSync(home.ledger)).toBe(false);
    if (existsSync(home.path)) expect(readdirSync(home.path).filter((name) => name !== 'keys')).toEqual([]);
    const keys = join(home.path, 'keys');
    if (existsSync(keys)) expect(readdirSync(keys)).toEqual([]);
  };

  test('a ledger that was changed is refused with the verdict, and nothing is left behind', () => {
    const [home, fresh] = [written(), new Home()];
    const key = keyOf(home);
    editInPlace(home.ledger, (db) => db.exec(`UPDATE entries SET entry = replace(entry, '"call"', '"cull"')`));
    const ran = fresh.witness(['import', home.ledger, '--key', key]);
    expect(ran).toMatchObject({ exitCode: 1, stdout: '' });
    expect(ran.stderr).toMatch(/INVALID: Hash chain broken at entry 1[\s\S]*hint: .*doctor --repair/);
    nothingLeft(fresh);
  });

  test('--unverified takes it, and the new ledger says for ever that nobody verified it', () => {
    const [home, fresh] = [written(), new Home()];
    const key = keyOf(home);
    editInPlace(home.ledger, (db) => db.exec(`UPDATE entries SET entry = replace(entry, '"call"', '"cull"')`));
    const ran = fresh.witness(['import', home.ledger, '--key', key, '--unverified']);
    expect(ran).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('imported without being verified') });
    const all = entriesOf(home.ledger);
    expect(importedBy(fresh.ledger)).toEqual(all);
    const verified = fresh.witness(['verify', '--json']);
    expect(JSON.parse(verified.stdout)).toMatchObject({
      verdict: 'VALID',
      imported: { entries: all.length, unverified: all.length },
    });
    expect(fresh.witness(['verify']).stdout).toContain(`${all.length} imported entries that nobody verified`);
    expect(entriesOf(fresh.ledger).some((text) => text.includes('"body":{"key"'))).toBe(false);
  });

  test('without a key nobody can tell: exit code 3', () => {
    const [home, fresh] = [written(), new Home()];
    expect(fresh.witness(['import', home.ledger])).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(/self-asserted key[\s\S]*hint: name the key/),
    });
    const exported = home.beside('e.json');
    home.witness(['export', '--output', exported]);
    expect(fresh.witness(['import', exported])).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('no key is held'),
    });
    nothingLeft(fresh);
  });

  test('a missing payload without a redaction is named, and what is there is taken when asked for', () => {
    const [home, fresh] = [written(), new Home()];
    const key = keyOf(home);
    editInPlace(home.ledger, (db) => db.exec('DELETE FROM payloads WHERE seq = 1'));
    expect(fresh.witness(['import', home.ledger, '--key', key])).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('1 payload missing'),
    });
    const ran = fresh.witness(['import', home.ledger, '--key', key, '--unverified', '--json']);
    expect(JSON.parse(ran.stdout)).toMatchObject({ payloads: 2, payloads_missing: { count: 1, first_seqs: [1] } });
    expect(fresh.witness(['verify', '-q'])).toMatchObject({ exitCode: 0 });
  });

  describe('of a JSON export', () => {
    type Json = {
      ledger: { checkpoint: string };
      entries: { stored: { entry: string; payload?: string; salt?: string } }[];
      contexts: unknown[];
    };
    let home: Home;
    let key: string;
    let json: string;
    beforeAll(() => {
      home = written();
      key = keyOf(home);
      json = home.witness(['export']).stdout;
    });

    function importText(text: string, ...more: string[]): ReturnType<Home['witness']> {
      const file = home.beside('changed.json');
      writeFileSync(file, text);
      const fresh = new Home();
      const ran = fresh.witness(['import', file, '--key', key, ...more]);
      if (ran.exitCode === 0) expect(fresh.witness(['verify', '-q'])).toMatchObject({ exitCode: 0 });
      else nothingLeft(fresh);
      return ran;
    }

    function importOf(change: (value: Json) => unknown): ReturnType<Home['witness']> {
      const value = JSON.parse(json) as Json;
      change(value);
      return importText(JSON.stringify(value));
    }

    const altered = (base64: string): string =>
      Buffer.from(Buffer.from(base64, 'base64').toString('latin1').replace('"call"', '"cull"'), 'latin1').toString(
        'base64',
      );

    test('written in one line it is the same', () => {
      expect(importOf(() => undefined)).toMatchObject({ exitCode: 0, stderr: '' });
    });

    test.each<[string, (value: Json) => void, string]>([
      [
        'an entry altered',
        ({ entries }) => (entries[1]!.stored.entry = altered(entries[1]!.stored.entry)),
        'Hash chain broken at entry 1',
      ],
      [
        'the last altered',
        ({ entries }) => (entries.at(-1)!.stored.entry = altered(entries[1]!.stored.entry)),
        'is missing',
      ],
      ['an entry removed', ({ entries }) => entries.splice(2, 1), 'entry 2 is missing'],
      ['the end removed', ({ entries }) => entries.splice(-1), 'a part, which no checkpoint signs'],
      ['two swapped', ({ entries }) => entries.reverse(), 'entry 0 is missing'],
      [
        'a payload of another entry',
        ({ entries }) => Object.assign(entries[1]!.stored, { payload: entries[2]!.stored.payload }),
        'the payload of entry 1 is not the one that was signed',
      ],
      ['a payload removed', ({ entries }) => delete entries[1]!.stored.payload, '1 payloads are missing, from entry 1'],
      ['a context removed', ({ contexts }) => contexts.splice(0, 1), 'a resource or scope is missing'],
      [
        'a root of its own',
        ({ ledger }) => (ledger.checkpoint = ledger.checkpoint.replace(/\n\S{43}=\n/, `\n${'A'.repeat(43)}=\n`)),
        'are not those that its checkpoint signs',
      ],
      [
        'a signature of its own',
        ({ ledger }) => (ledger.checkpoint = ledger.checkpoint.replace(/.{6}\n$/, 'AAAAA=\n')),
        'is not signed by the key',
      ],
    ])('%s: refused', (_, change, message) => {
      const ran = importOf(change);
      expect([ran.exitCode === 1 || ran.exitCode === 3, ran.stdout]).toEqual([true, '']);
      expect(ran.stderr).toContain(message);
    });

    test('what a trace exports is a part, and is taken when asked for', () => {
      const part = home.witness(['export', '--trace-id', 'child']).stdout;
      expect(importText(part)).toMatchObject({ exitCode: 1 });
      expect(importText(part, '--unverified', '--json').stdout).toContain('"entries": 1,');
    });

    test.each<[string, () => string, string]>([
      ['cut off', () => json.slice(0, -300), 'is not JSON as an export has it'],
      ['in the middle of an entry', () => json.slice(0, 3_000), 'is not JSON as an export has it'],
      ['nonsense after a value', () => json.replace('"entries": [', '"entries": [nonsense, '), 'under entries'],
      ['of an older version', () => json.replaceAll('"stored"', '"other"'), 'lacks the entries themselves'],
      ['of another command', () => home.witness(['trace', 'flow', '--json']).stdout, 'neither a ledger nor an export'],
      ['of CSV', () => home.witness(['export', '--format', 'csv']).stdout, 'export it once more with --format json'],
      ['of spans', () => home.witness(['export', '--format', 'otlp-json']).stdout, 'if-witness ingest'],
      ['empty', () => '', 'neither a ledger nor an export'],
    ])('%s: a usable error', (_, text, message) => {
      const ran = importText(text());
      expect(ran).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(message) });
    });
  });
});

test('a retry of an imported span is the same span; other content under its ids names the import', async () => {
  const [home, fresh] = [new Home(), new Home()];
  const drafts = [1, 2, 3].map((n) => draftSpan(spanRecord(n)));
  const old = await Ledger.open({ home: home.path });
  await old.append(drafts);
  await old.close();
  expect(fresh.witness(['import', home.ledger, '--key', keyOf(home)])).toMatchObject({ exitCode: 0 });
  for (const longLived of [false, true]) {
    const ledger = await Ledger.open({ home: fresh.path, longLived });
    const again = await ledger.append(drafts);
    expect(again.map(({ outcome, seq }) => [outcome, seq])).toEqual([
      ['duplicate', 3],
      ['duplicate', 4],
      ['duplicate', 5],
    ]);
    await ledger.close();
  }
  const ledger = await Ledger.open({ home: fresh.path });
  const [other] = await ledger.append([draftSpan(spanRecord(2, { name: 'another' }))]);
  expect(other).toMatchObject({ outcome: 'appended', seq: 6 });
  await ledger.close();
  expect(JSON.parse(entriesOf(fresh.ledger)[6]!)).toMatchObject({ type: 'span', body: { conflict: 4 } });
  expect(fresh.witness(['verify', '-q'])).toMatchObject({ exitCode: 0 });
});

test('a retry of an imported span whose payload did not come along is the same span, and brings nothing back', async () => {
  const [home, fresh] = [new Home(), new Home()];
  const drafts = [draftSpan(spanRecord(1))];
  const old = await Ledger.open({ home: home.path });
  await old.append(drafts);
  await old.close();
  const key = keyOf(home);
  editInPlace(home.ledger, (db) => db.exec('DELETE FROM payloads; DELETE FROM contexts'));
  expect(fresh.witness(['import', home.ledger, '--key', key, '--unverified'])).toMatchObject({ exitCode: 0 });
  const ledger = await Ledger.open({ home: fresh.path });
  expect(await ledger.append(drafts)).toMatchObject([{ outcome: 'duplicate', seq: 3 }]);
  await ledger.close();
});

test('an entry too long for one import is in parts, and comes out whole', async () => {
  const [home, fresh] = [new Home(), new Home()];
  const old = await Ledger.open({ home: home.path });
  const body = { count: 1, reason: 'é'.repeat(30_000), since: '0', source: 'x', until: '1' };
  await old.append([{ type: 'gap', body }, draftSpan(spanRecord(1))]);
  await old.close();
  expect(fresh.witness(['import', home.ledger, '--key', keyOf(home)])).toMatchObject({ exitCode: 0 });
  const types = entriesOf(fresh.ledger).map((text) => (JSON.parse(text) as { body: { parts?: number } }).body.parts);
  expect(types).toEqual([undefined, undefined, undefined, 2, 2, undefined]);
  const joined = [3, 4].map((seq) => {
    const parsed = JSON.parse(entriesOf(fresh.ledger)[seq]!) as { body: { entry: string } };
    return Buffer.from(parsed.body.entry, 'base64');
  });
  expect(Buffer.concat(joined).toString()).toBe(entriesOf(home.ledger)[1]);
  expect(fresh.witness(['verify', '--json'])).toMatchObject({ exitCode: 0 });
  const again = new Home();
  expect(again.witness(['import', fresh.ledger, '--key', keyOf(fresh)])).toMatchObject({ exitCode: 0 });
  expect(again.witness(['verify', '-q'])).toMatchObject({ exitCode: 0 });
});

test('an import that is killed leaves no ledger, and the next one clears up behind it', async () => {
  const [home, fresh] = [new Home(), new Home()];
  const lines = Array.from({ length: 20_000 }, (_, i) =>
    JSON.stringify({ event: `e${i}`, component: 'c', trace_id: `t${i}` }),
  );
  expect(home.witness(['log', '--batch'], { input: lines.join('\n') })).toMatchObject({ exitCode: 0 });
  const key = keyOf(home);
  const child = fresh.start(['import', home.ledger, '--key', key]);
  const exit = once(child, 'exit');
  const temporary = (): string | undefined =>
    existsSync(fresh.path) ? readdirSync(fresh.path).find((name) => /\.import-\d+$/.test(name)) : undefined;
  const written = (): number => {
    const name = temporary();
    if (name === undefined) return 0;
    try {
      const db = new Sqlite(join(fresh.path, name), { readonly: true });
      const count = db.prepare('SELECT max(seq) FROM entries').pluck().get() as number | null;
      db.close();
      return count ?? 0;
    } catch {
      return 0;
    }
  };
  for (let waited = 0; written() < 1_000 && waited < 30_000; waited += 20) await sleep(20);
  child.kill('SIGKILL');
  await exit;
  expect(written()).toBeGreaterThanOrEqual(1_000);
  expect(existsSync(fresh.ledger)).toBe(false);
  expect(fresh.witness(['import', home.ledger, '--key', key])).toMatchObject({ exitCode: 0 });
  expect(readdirSync(dirname(fresh.ledger)).filter((name) => name.includes('.import-'))).toEqual([]);
  expect(fresh.witness(['verify', '-q'])).toMatchObject({ exitCode: 0 });
  // In two threads, which take ranges.
  expect(importedBy(fresh.ledger)).toEqual(entriesOf(home.ledger));
}, 120_000);
