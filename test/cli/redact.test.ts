/** `redact`, as anybody runs it. */
import { spawnSync } from 'node:child_process';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { describe, expect, test } from 'vitest';
import { Home } from './run.js';

/** Four events: two flows, two components. */
function written(): Home {
  const home = new Home();
  const lines = [
    { event: 'invite', component: 'IF.witness.sip', trace_id: 'call-1', payload: { prompt: 'my first secret' } },
    { event: 'bye', component: 'IF.witness.sip', trace_id: 'call-1', payload: { prompt: 'my second secret' } },
    { event: 'frame', component: 'IF.witness.ndi', trace_id: 'stream-1', payload: { prompt: 'my third secret' } },
    { event: 'frame', component: 'IF.witness.ndi', trace_id: 'stream-2', payload: { prompt: 'my fourth secret' } },
  ];
  const input = lines.map((line) => JSON.stringify(line)).join('\n');
  expect(home.witness(['log', '--batch'], { input }).exitCode).toBe(0);
  return home;
}

const json = (home: Home, args: readonly string[], exitCode = 0): Record<string, unknown> => {
  const ran = home.witness([...args, '--json']);
  expect(ran.exitCode).toBe(exitCode);
  return JSON.parse(ran.stdout) as Record<string, unknown>;
};
const isInFiles = (home: Home, text: string): boolean => spawnSync('grep', ['-rqaF', text, home.path]).status === 0;

describe('by entry', () => {
  test('erases the payload, says by which entry, and everything still verifies', () => {
    const home = written();
    expect(isInFiles(home, 'my first secret')).toBe(true);
    expect(home.witness(['redact', '1', '--reason', 'ticket 7'])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^payload of entry 1 erased by entry 5\n\d+ octets\n$/),
      stderr: '',
    });
    expect(isInFiles(home, 'my first secret')).toBe(false);
    expect(isInFiles(home, 'my second secret')).toBe(true);
    expect(json(home, ['verify'])).toMatchObject({ verdict: 'VALID', payloads: { present: 3, erased: 1, missing: 0 } });
    expect(home.witness(['verify']).stdout).toContain('; 1 erased by redaction entries\n');
    expect(home.witness(['trace', 'call-1']).stdout).toContain('invite (payload erased by entry 5)');
    const { entries } = json(home, ['trace', 'call-1']) as { entries: object[] };
    expect(entries[0]).toMatchObject({
      payload: null,
      attributes: null,
      payload_state: 'erased',
      payload_erased_by: 5,
    });
    expect(entries[1]).not.toHaveProperty('payload_state');
    const csv = home.witness(['export', '--format', 'csv']).stdout.trimEnd().split('\r\n');
    expect([csv[0], csv[2], csv[3]].map((line) => line!.split(',').at(-1))).toEqual(['payload_erased_by', '5', '']);
    expect(home.witness(['doctor']).exitCode).toBe(0);
  });

  test('again changes nothing, and is no error', () => {
    const home = written();
    home.witness(['redact', '1', '--reason', 'r']);
    expect(json(home, ['redact', '1', '2', '--reason', 'r'])).toMatchObject({
      erased: 1,
      already_erased: 1,
      first_redaction: 6,
      last_redaction: 6,
      overwritten: true,
      targets: [
        { seq: 1, outcome: 'already', redaction: 5 },
        { seq: 2, outcome: 'erased', redaction: 6 },
      ],
    });
  });

  test.each([
    [['1', '99'], 1, 'there is no entry 99'],
    [['1', '0'], 1, 'entry 0 has no payload'],
    [['x'], 2, 'SEQ is the number of an entry, not "x"'],
    [['-1'], 2, 'SEQ is the number of an entry, not "-1"'],
    [[], 2, 'say what to erase, in one way'],
    [['1', '--trace-id', 'call-1'], 2, 'say what to erase, in one way'],
    [['--older-than', '6 months'], 2, '--older-than: "6 months" is not an age: write 180d, 26w or 12h'],
    [['--where', 'component=a and'], 2, '--where: a field is missing'],
    [['--where', 'component=a and'], 2, 'at character 16'],
    [['--trace-id', 'nobody'], 1, 'no entry under trace id nobody'],
    [['--trace-id', 'call-1'], 2, 'what is erased cannot be brought back, and nobody is here to be asked'],
    [['--finish', '1'], 2, '--finish stands alone'],
  ] as const)('redact %j exits with %i: %s', (args, exitCode, message) => {
    const home = written();
    const ran = home.witness(['redact', ...args, '--reason', 'r']);
    expect(ran).toMatchObject({ exitCode, stdout: '', stderr: expect.stringContaining(message) });
    expect(json(home, ['verify'])).toMatchObject({ entries: 5, payloads: { present: 4, erased: 0 } });
  });

  test.each([[[]], [['--reason', '']], [['--reason', ' ']], [['--reason', 'x'.repeat(5_000)]]])(
    'needs a reason (%#)',
    (flags) => {
      const home = written();
      const ran = home.witness(['redact', '1', ...flags]);
      expect(ran).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('reason') });
      expect(json(home, ['verify'])).toMatchObject({ entries: 5 });
    },
  );

  test('a payload that is missing already is not explained away', () => {
    const home = written();
    const removed = home.shell(
      `node --input-type=module -e "
        import { createRequire } from 'node:module';
        const Sqlite = createRequire('${new URL('../../packages/ledger/package.json', import.meta.url).pathname}')('better-sqlite3');
        const db = new Sqlite('${home.ledger}');
        const guard = db.prepare(\\"SELECT sql FROM sqlite_schema WHERE name = 'payloads_no_delete'\\").pluck().get();
        db.exec('DROP TRIGGER payloads_no_delete; DELETE FROM payloads WHERE seq = 2');
        db.exec(guard);"`,
    );
    expect(removed.exitCode).toBe(0);
    expect(home.witness(['redact', '2', '--reason', 'r'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('the payload of entry 2 is gone, and no redaction says why'),
    });
  });
});

describe('by trace', () => {
  test('erases what trace shows under the id', () => {
    const home = written();
    expect(json(home, ['redact', '--trace-id', 'call-1', '--reason', 'r', '--yes'])).toMatchObject({ erased: 2 });
    expect(
      [1, 2, 3, 4].map((n) => isInFiles(home, `my ${['first', 'second', 'third', 'fourth'][n - 1]} secret`)),
    ).toEqual([false, false, true, true]);
  });
});

describe('by rule', () => {
  test('a dry run says what would go, by component, and changes nothing', () => {
    const home = written();
    const before = home.witness(['anchor']).stdout;
    expect(json(home, ['redact', '--older-than', '0d', '--dry-run'])).toMatchObject({
      dry_run: true,
      payloads: 4,
      octets: expect.any(Number),
      first_seq: 1,
      last_seq: 4,
      by_component: [
        // The one that frees most comes first.
        { component: 'IF.witness.ndi', payloads: 2 },
        { component: 'IF.witness.sip', payloads: 2 },
      ],
    });
    expect(home.witness(['redact', '--where', 'event=frame', '--dry-run']).stdout).toMatch(
      /^would erase 2 payloads of entries 3 to 4, [\d,]+ octets\n\nCOMPONENT +PAYLOADS +OCTETS\nIF\.witness\.ndi +2 +[\d,]+\n$/,
    );
    expect(home.witness(['anchor']).stdout).toBe(before);
  });

  test('erases what is old enough and fits', () => {
    const home = written();
    const none = home.witness(['redact', '--older-than', '1h', '--reason', 'r', '--yes']);
    expect(none).toMatchObject({ exitCode: 1, stdout: 'nothing to erase\n' });
    const where = 'component=IF.witness.* and not trace_id=stream-2';
    expect(json(home, ['redact', '--older-than', '0d', '--where', where, '--reason', 'r', '--yes'])).toMatchObject({
      erased: 3,
    });
    expect(json(home, ['verify'])).toMatchObject({ verdict: 'VALID', payloads: { present: 1, erased: 3, missing: 0 } });
  });

  test('leaves the private part of a budget, unless a type is asked for', () => {
    const home = written();
    home.optimise(['budget', '--set', '10', '--user', 'alice@example.org', '--name', 'b']);
    expect(json(home, ['redact', '--older-than', '0d', '--dry-run'])).toMatchObject({ payloads: 4 });
    expect(json(home, ['redact', '--where', 'type=budget', '--dry-run'])).toMatchObject({
      payloads: 1,
      by_component: [{ component: '(budget)', payloads: 1 }],
    });
    expect(isInFiles(home, 'alice@example.org')).toBe(true);
    expect(json(home, ['redact', '5', '--reason', 'r'])).toMatchObject({ erased: 1 });
    expect(isInFiles(home, 'alice@example.org')).toBe(false);
    expect(home.optimise(['budget']).stdout).toContain('what it is for was erased');
    expect(json(home, ['verify'])).toMatchObject({ verdict: 'VALID', payloads: { erased: 1 } });
  });
});

test('while a reader holds the log, doctor reminds until --finish has done the rest', { timeout: 60_000 }, () => {
  const home = written();
  const reader = LedgerReader.open(home.ledger);
  const ran = home.witness(['redact', '1', '--reason', 'r']);
  expect(ran).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('erased by entry 5') });
  expect(ran.stderr).toBe(
    'warning: an older copy remains in the write-ahead log, or in the accounts of the home, until readers leave\n' +
      'then run if-witness redact --finish\n',
  );
  expect(home.witness(['doctor'])).toMatchObject({
    exitCode: 1,
    stdout: expect.stringContaining('problem  erasure      payloads were erased, but an older copy may remain'),
  });
  reader.close();
  expect(home.witness(['redact', '--finish'])).toMatchObject({
    exitCode: 0,
    stdout: 'nothing is left of what was erased\n',
  });
  expect(isInFiles(home, 'my first secret')).toBe(false);
  expect(home.witness(['doctor']).exitCode).toBe(0);
});

test('without a ledger it creates none', () => {
  const home = new Home();
  expect(home.witness(['redact', '1', '--reason', 'r'])).toMatchObject({ exitCode: 2, stdout: '' });
  expect(home.witness(['redact', '--finish'])).toMatchObject({ exitCode: 2, stdout: '' });
  expect(spawnSync('ls', [home.path], { encoding: 'utf8' }).stdout).toBe('');
});
