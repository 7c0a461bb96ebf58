/** What is wrong with a configuration. All of it is found before anything is said, so that it is mended in one go. */

/** One finding. Contents of secret files and headers are never in it; foreign text may be: escape it. */
export interface ConfigProblem {
  /** Where the value came from: `--port`, `IF_WITNESS_COLLECT_PORT` or `/etc/collector.yaml:3:7`. */
  readonly source: string;
  /** What is wrong, without a full stop. */
  readonly message: string;
  /** What to do. */
  readonly hint?: string | undefined;
}

/** The configuration cannot be used. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'config';
  /** At least one; those of a file in the order of its lines. */
  readonly problems: readonly ConfigProblem[];
  /** What would have been only a warning. */
  readonly warnings: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[], warnings: readonly ConfigProblem[] = []) {
    const sorted = problems.toSorted(bySource);
    const lines = sorted.map((problem) => `  ${problemText(problem)}`);
    super(`the configuration cannot be used:\n${lines.join('\n')}`);
    this.problems = sorted;
    this.warnings = warnings;
  }
}

/** Lines and columns count as numbers: line 9 comes before line 10. */
function bySource(a: ConfigProblem, b: ConfigProblem): number {
  return a.source.localeCompare(b.source, 'en', { numeric: true });
}

/** One line for people. */
export function problemText({ source, message, hint }: ConfigProblem): string {
  return `${source}: ${message}${hint === undefined ? '' : `; ${hint}`}`;
}

/** Thrown where a text cannot be used as a value. */
export class Unusable extends RangeError {
  override readonly name = 'Unusable';
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** Collects findings while a configuration is read. */
export class Findings {
  readonly problems: ConfigProblem[] = [];
  readonly warnings: ConfigProblem[] = [];

  problem(source: string, message: string, hint?: string): void {
    this.problems.push({ source, message, hint });
  }

  warning(source: string, message: string, hint?: string): void {
    this.warnings.push({ source, message, hint });
  }

  /** What `parse` returns; undefined when it throws {@link Unusable}, which becomes a problem. */
  attempt<T>(source: string, parse: () => T): T | undefined {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      this.problem(source, error.message, error.hint);
      return undefined;
    }
  }
}
