/**
 * What both programs share: finding the command, loading that one command's module and nothing else, parsing, and turning
 * whatever goes wrong into a message and an exit code.
 */
import { Command, CommanderError } from 'commander';
import { CliError } from './cli-error.js';
import { addCommonOptions, COMMON_WITH_VALUE } from './common-options.js';
import { EXIT_CODES } from './exit-code.js';
import { ClosedPipe, printErr, printOut } from './output.js';
import { VERSION } from './version.js';

/** A command's module. */
export interface CommandModule {
  /** Adds arguments, options, examples and the action. */
  readonly define: (command: Command) => void;
}

/** A command as the program knows it before its module is loaded. */
export interface ListedCommand {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
}

/** One of the two programs. */
export interface ProgramSpec {
  readonly name: string;
  readonly summary: string;
  readonly examples: readonly string[];
  readonly commands: readonly ListedCommand[];
}

/** Runs a program on its arguments and sets the process's exit code. Never throws. */
export async function runProgram(spec: ProgramSpec, argv: readonly string[]): Promise<void> {
  const ownArgs = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
  const json = ownArgs.includes('--json');
  try {
    const program = await buildProgram(spec, (name) => name === chosenCommand(argv), json);
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof ClosedPipe) process.exitCode ??= 0;
    else if (error instanceof CommanderError) process.exitCode = await endOfParsing(error, json);
    else process.exitCode = await fail(error, json);
  }
}

const specs = new WeakMap<Command, ProgramSpec>();

/** What a program was built from. */
export function specOf(program: Command): ProgramSpec {
  return specs.get(program)!;
}

/** The program with all its commands; those that `wanted` names are loaded and complete. */
export async function buildProgram(
  spec: ProgramSpec,
  wanted: (name: string) => boolean,
  json = false,
): Promise<Command> {
  const program = new Command(spec.name)
    .description(spec.summary)
    // Options before the command are the program's, those after it the command's: `log --event --json` is an event.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => printOut(text),
      writeErr: (text) => (json ? undefined : printErr(text)),
      outputError: () => undefined,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .version(VERSION, '--version', 'print the version');
  specs.set(program, spec);
  program.helpCommand('help [command]', 'show the help of a command');
  addCommonOptions(program);
  addHelp(program, spec.summary, spec.examples);
  for (const { name, summary, load } of spec.commands) {
    const command = program.command(name).summary(summary).description(summary);
    if (!wanted(name)) continue;
    (await load()).define(command);
    for (const leaf of [command, ...command.commands]) addCommonOptions(leaf);
  }
  return program;
}

/** Adds what every help has around commander's own: examples before it, exit codes after it. */
export function addHelp(
  command: Command,
  summary: string,
  examples: readonly string[],
  notes: readonly string[] = [],
): void {
  // The summary stands above the examples, so commander need not repeat it below the usage.
  command.description('');
  const lines = examples.map((example) => `  $ ${example}`);
  command.addHelpText('before', `${summary}\n\nExamples:\n${lines.join('\n')}\n`);
  const codes = EXIT_CODES.map(([code, meaning]) => `  ${code}  ${meaning}`);
  const paragraphs = [...notes.map((note) => `${note}\n`), `Exit codes:\n${codes.join('\n')}`];
  command.addHelpText('after', `\n${paragraphs.join('\n')}\n`);
}

/** The first operand, past the common options and `help`. */
function chosenCommand(argv: readonly string[]): string | undefined {
  for (let i = 0; i < argv.length && argv[i] !== '--'; i++) {
    const arg = argv[i]!;
    if (COMMON_WITH_VALUE.includes(arg)) i++;
    else if (!arg.startsWith('-') && arg !== 'help') return arg;
  }
  return undefined;
}

/** Commander ends parsing by an exception, also after it printed help or version. */
async function endOfParsing(error: CommanderError, json: boolean): Promise<number> {
  if (error.exitCode === 0) return 0;
  if (error.code === 'commander.help') {
    if (json) await fail(new CliError('usage', 'a command is missing', { hint: 'see --help' }), json);
    return 2;
  }
  const [message = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const hint = suggestion === undefined ? 'see --help' : suggestion.replace(/^\((.*)\)$/, '$1');
  return fail(new CliError('usage', message, { hint }), json);
}

/** Loaded only now: most calls do not fail. */
async function fail(error: unknown, json: boolean): Promise<number> {
  const { printError } = await import('./print-error.js');
  return printError(error, json);
}
