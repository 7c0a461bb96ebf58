/** An older copy that was put back on purpose can be continued, and the ledger says so for ever. */
import { cpSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Home } from './run.js';

/** A home whose ledger was put back to an older copy; the newer checkpoint is kept as an anchor. */
function restored(): { home: Home; anchor: string } {
  const home = new Home();
  home.log('first', 't');
  cpSync(home.ledger, home.beside('old.db'));
  home.log('second', 't');
  const anchor = home.beside('anchor.note');
  expect(home.witness(['anchor', '--output', anchor]).exitCode).toBe(0);
  cpSync(home.beside('old.db'), home.ledger);
  return { home, anchor };
}

test('a restored copy is refused until its head is accepted, then continued, with an entry that says so', () => {
  const { home } = restored();
  expect(home.witness(['log', '--event', 'e', '--component', 'c', '--trace-id', 't', '--no-spool'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('the remembered head has 3'),
  });
  const accepted = home.witness(['doctor', '--accept-head', 'restored from tape']);
  expect(accepted).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('entry 2 records') });
  home.log('third', 't');
  const verified = home.witness(['verify']);
  expect(verified).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('before entry 2') });
});

test('accepting a head excuses nothing before an anchor of the history that was given up', () => {
  const { home, anchor } = restored();
  home.witness(['doctor', '--accept-head', 'an attempt to hide']);
  expect(home.witness(['verify', '--anchor', anchor])).toMatchObject({
    exitCode: 1,
    stdout: expect.stringContaining('INVALID'),
  });
});

test('there is nothing to accept in a ledger that agrees with its head', () => {
  const home = new Home();
  home.log('first', 't');
  expect(home.witness(['doctor', '--accept-head', 'no reason'])).toMatchObject({
    exitCode: 1,
    stdout: expect.stringContaining('nothing to accept'),
  });
});

test('the reason is not optional', () => {
  const home = new Home();
  home.log('first', 't');
  expect(home.witness(['doctor', '--accept-head', ' '])).toMatchObject({ exitCode: 2, stdout: '' });
});
