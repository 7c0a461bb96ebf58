/** What both command lines have in common. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { peer } from '../peers.js';
import { Home } from './run.js';

const WITNESS = [
  'log',
  'exec',
  'trace',
  'cost',
  'verify',
  'export',
  'import',
  'ingest',
  'replay',
  'redact',
  'proof',
  'anchor',
  'witness',
  'witness keygen',
  'witness show',
  'witness add',
  'witness list',
  'keys',
  'keys list',
  'keys show',
  'keys rotate',
  'collect',
  'doctor',
  'completion',
];
const OPTIMISE = [
  'report',
  'statusline',
  'budget',
  'budget check',
  'budget reserve',
  'budget commit',
  'budget release',
  'budget remove',
  'budget log',
  'budget alerts',
  'rates',
  'rates show',
  'rates explain',
  'rates diff',
  'rates set',
  'rates use',
  'rates reprice',
  'completion',
];
const home = new Home();
/** Not required: they are checked where they are. */
const zsh = peer('zsh', ['zsh', '--version']);
const fish = peer('fish', ['fish', '--version']);

describe('help', () => {
  test.each([
    ...['', ...WITNESS].map((path) => ['if-witness', path] as const),
    ...['', ...OPTIMISE].map((path) => ['if-optimise', path] as const),
  ])('of %s %s has examples first and exit codes last', (program, path) => {
    const run = (args: readonly string[]) => (program === 'if-witness' ? home.witness(args) : home.optimise(args));
    const words = path.split(' ').filter((word) => word !== '');
    const { exitCode, stdout, stderr } = run([...words, '--help']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const at = (text: string): number => stdout.indexOf(text);
    expect(at('\nExamples:\n  $ ')).toBeGreaterThan(0);
    expect(at(`\nUsage: ${[program, ...words].join(' ')} `)).toBeGreaterThan(at('\nExamples:'));
    expect(at('\nExit codes:\n  0  ')).toBeGreaterThan(at('\nUsage:'));
    for (const option of ['--home <dir>', '--ledger <file>', '--json', '-q, --quiet', '--no-color', '-h, --help']) {
      expect(stdout).toContain(`  ${option} `);
    }
  });

  test('lists the commands there are, and no other', () => {
    const listed = [
      ...home
        .witness(['--help'])
        .stdout.split('\nCommands:\n')[1]!
        .matchAll(/^ {2}([a-z]+) /gm),
    ].map(([, name]) => name);
    expect(listed).toEqual([...WITNESS.filter((path) => !path.includes(' ')), 'help']);
  });

  test('of a command is also under `help`', () => {
    expect(home.witness(['help', 'trace'])).toEqual(home.witness(['trace', '--help']));
  });

  test('is what a call without a command gets, with exit code 2', () => {
    const { exitCode, stdout, stderr } = home.witness([]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('Usage: if-witness');
    expect(JSON.parse(home.witness(['--json']).stderr)).toMatchObject({ error: { code: 'usage' } });
  });
});

test('docs/commands.md names every flag that a help names, and no other', () => {
  const docs = readFileSync(new URL('../../docs/commands.md', import.meta.url), 'utf8');
  const flagsIn = (text: string): Set<string> =>
    new Set([...text.matchAll(/(?<![\w-])--[a-z][a-z-]+/g)].map(([flag]) => flag));
  const helps = [
    ...['', ...WITNESS].map(
      (path) => home.witness([...path.split(' ').filter((word) => word !== ''), '--help']).stdout,
    ),
    ...['', ...OPTIMISE].map(
      (path) => home.optimise([...path.split(' ').filter((word) => word !== ''), '--help']).stdout,
    ),
  ].map((help) => help.slice(help.indexOf('\nUsage:')));
  expect([...flagsIn(docs)].sort()).toEqual([...flagsIn(helps.join('\n'))].sort());
});

test('--version is the one of the package', () => {
  expect(home.witness(['--version'])).toEqual({ exitCode: 0, stdout: '0.1.0\n', stderr: '' });
  expect(home.optimise(['--version'])).toEqual({ exitCode: 0, stdout: '0.1.0\n', stderr: '' });
});

describe('a mistake on the command line', () => {
  test.each([
    [['lgo'], "unknown command 'lgo'", 'Did you mean log?'],
    [['budget'], "unknown command 'budget'", 'see --help'],
    [['trace', 'x', '--fromat', 'json'], "unknown option '--fromat'", 'Did you mean --format?'],
    [['verify', '--anchors'], "unknown option '--anchors'", 'Did you mean --anchor?'],
    [['keys', 'shwo'], "unknown command 'shwo'", 'Did you mean show?'],
    [['trace'], "missing required argument 'id'", 'see --help'],
    [['log', '--event'], "option '--event <name>' argument missing", 'see --help'],
    [['completion', 'tcsh'], 'there are scripts for bash, zsh, fish', undefined],
    [['--hoem', 'x', 'log'], "unknown option '--hoem'", 'Did you mean --home?'],
  ])('%o exits with 2 and helps', (args, message, hint) => {
    const { exitCode, stdout, stderr } = home.witness(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(`error: ${message}`);
    if (hint !== undefined) expect(stderr).toContain(`hint: ${hint}\n`);
    const json = JSON.parse(home.witness([...args, '--json']).stderr) as { error: { code: string; message: string } };
    if (args[0] !== 'log')
      expect(json.error).toMatchObject({ code: 'usage', message: expect.stringContaining(message) });
  });

  test('is escaped when it is shown', () => {
    expect(home.witness(['bad\x1b[2J']).stderr).toBe("error: unknown command 'bad\\u{1b}[2J'\nhint: see --help\n");
  });
});

describe('common options', () => {
  test('may stand before the command or after it', () => {
    const own = new Home();
    const event = ['--event', 'e', '--component', 'c', '--trace-id', 't'];
    expect(home.witness(['--home', own.path, '--json', 'log', ...event]).stdout).toContain('"seq":1');
    expect(home.witness(['log', ...event, '--home', own.path, '--json']).stdout).toContain('"seq":2');
    expect(own.trace('t').totals.entries).toBe(2);
  });

  test('--ledger names a file elsewhere; its keys stay in the home', () => {
    const own = new Home();
    const file = own.beside('other.db');
    expect(own.log('e', 't', '--ledger', file)).toMatchObject({ exitCode: 0 });
    expect(own.witness(['verify', '--ledger', file, '-q'])).toMatchObject({ exitCode: 0 });
    expect(own.shell('ls "$IF_WITNESS_HOME"').stdout).toBe('keys\nlast-verify.json\n');
  });
});

describe('colour', () => {
  const coloured = new Home();
  coloured.log('e', 't');
  test.each([
    [[], {}, false],
    [[], { FORCE_COLOR: '1' }, true],
    [['--no-color'], { FORCE_COLOR: '1' }, false],
    [[], { FORCE_COLOR: '0' }, false],
  ])('with %o and %o: %s', (flags, env, wanted) => {
    for (const args of [['verify'], ['trace', 't'], ['doctor'], ['keys', 'list']]) {
      expect(coloured.witness([...args, ...flags], { env }).stdout.includes('\x1b[')).toBe(wanted);
    }
  });
});

describe('completion', () => {
  test('for bash completes commands, subcommands and flags', () => {
    const script = `
      source <(if-witness completion bash)
      try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _if_witness; echo "\${COMPREPLY[*]}"; }
      try if-witness ver
      try if-witness keys s
      try if-witness --home /x log --token
      try if-witness log --event trace --cos`;
    expect(home.shell(script)).toEqual({
      exitCode: 0,
      stdout: 'verify\nshow\n--tokens-in --tokens-out\n--cost\n',
      stderr: '',
    });
  });

  test('for if-optimise is its own', () => {
    expect(home.optimise(['completion', 'bash']).stdout).toContain('complete -o default -F _if_optimise if-optimise\n');
  });

  test.each(['bash', 'zsh', 'fish'])('for %s names every command', (shell) => {
    const { exitCode, stdout } = home.witness(['completion', shell]);
    expect(exitCode).toBe(0);
    for (const name of ['log', 'verify', 'doctor', 'show', 'tokens-in', 'require-anchor'])
      expect(stdout).toContain(name);
  });

  test('for zsh is zsh', (context) => {
    if (!zsh.present) context.skip('zsh is not there');
    expect(home.shell('if-witness completion zsh | zsh -n')).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test('for fish is fish', (context) => {
    if (!fish.present) context.skip('fish is not there');
    expect(home.shell('if-witness completion fish | fish -n')).toMatchObject({ exitCode: 0, stderr: '' });
  });
});
