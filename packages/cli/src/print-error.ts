/** How a command's failure is said, and which exit code it has. */
import { CliError } from './cli-error.js';
import { escapeLines } from './escape.js';
import type { ExitCode } from './exit-code.js';
import { renderJson } from './json-text.js';
import { printErr } from './output.js';

interface Explained {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
}

/** Prints what went wrong on stderr, as `{"error":{code, message, hint}}` with `json`, and answers the exit code. */
export function printError(error: unknown, json: boolean): ExitCode {
  const { code, message, hint } = explain(error);
  if (json) printErr(`${renderJson({ error: { code, message, hint } })}\n`);
  else printErr(`error: ${escapeLines(message)}\n${hint === undefined ? '' : `hint: ${escapeLines(hint)}\n`}`);
  return error instanceof CliError ? error.exitCode : 2;
}

/** Error classes of the packages below all have a stable `code`, and some a `hint`; they are not imported only to be told apart. */
function explain(error: unknown): Explained {
  if (!(error instanceof Error)) return { code: 'internal', message: String(error), hint: undefined };
  const { code, hint } = error as { code?: unknown; hint?: unknown };
  return {
    code: typeof code === 'string' ? code : 'internal',
    message: typeof code === 'string' ? error.message : `${error.name}: ${error.message}`,
    hint: typeof hint === 'string' ? hint : undefined,
  };
}
