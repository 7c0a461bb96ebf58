/**
 * A vitest reporter whose last words are always `N passed, N failed` (`, N skipped` when any were), so that a script can
 * read how a run ended. Whatever keeps a test from running counts as failed: a file that does not load, a hook that
 * throws, an error nobody caught, a test that never finished. Skipped tests are named with their reason above the line.
 */
import { writeSync } from 'node:fs';
import type { Reporter, TestCase, TestModule, TestRunEndReason, TestSuite, Vitest } from 'vitest/node';

/** What a run came to. `skipped` and `failures` are texts for people, one line each. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly string[];
  /** Failures that are not tests, so that the number can be understood: `test/a.test.ts: did not load, or a hook failed`. */
  readonly failures: readonly string[];
}

/** @returns `3 passed, 1 failed`, or with `, 2 skipped` behind it. */
export function renderClosingLine(tally: Tally): string {
  const skipped = tally.skipped.length > 0 ? `, ${tally.skipped.length} skipped` : '';
  return `${tally.passed} passed, ${tally.failed} failed${skipped}`;
}

/** A run that never reached its end is one failure: nothing else is known of it. */
const NEVER_ENDED: Tally = { passed: 0, failed: 1, skipped: [], failures: ['the run broke off before its end'] };

export class ClosingLineReporter implements Reporter {
  #tally: Tally = NEVER_ENDED;
  #namePattern: RegExp | undefined;

  onInit(vitest: Vitest): void {
    this.#namePattern = vitest.config.testNamePattern;
    // On exit and synchronously: no other reporter, timeout notice or teardown can print after it.
    process.once('exit', () => {
      writeSync(1, this.#renderEnd());
      const ran = this.#tally.passed + this.#tally.failed;
      if (this.#tally.failed > 0 || ran === 0) process.exitCode ||= 1;
    });
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[], reason: TestRunEndReason): void {
    this.#tally = tallyRun(modules, unhandled.length, reason, this.#namePattern);
  }

  #renderEnd(): string {
    const { failures, skipped } = this.#tally;
    const named = [...failures.map((line) => `failed  ${line}`), ...skipped.map((line) => `skipped ${line}`)];
    return `${['', ...named, renderClosingLine(this.#tally)].join('\n')}\n`;
  }
}

/** Counts a finished run. With `namePattern` (vitest's `-t`), tests that it leaves out are not counted at all. */
export function tallyRun(
  modules: readonly TestModule[],
  unhandledErrors: number,
  reason: TestRunEndReason,
  namePattern: RegExp | undefined,
): Tally {
  let passed = 0;
  let failedTests = 0;
  const skipped: string[] = [];
  const failures: string[] = [];
  for (const module of modules) {
    if (module.errors().length > 0) failures.push(`${module.relativeModuleId}: did not load, or a hook failed`);
    for (const suite of module.children.allSuites()) {
      if (suite.errors().length > 0) failures.push(`${nameOf(suite)}: a hook failed`);
    }
    for (const test of module.children.allTests()) {
      const result = test.result();
      if (result.state === 'passed') passed++;
      else if (result.state === 'failed') failedTests++;
      else if (result.state === 'pending') failures.push(`${nameOf(test)}: never finished`);
      else if (isAskedFor(test, namePattern)) skipped.push(`${nameOf(test)}: ${result.note ?? reasonFor(test)}`);
    }
  }
  if (unhandledErrors > 0) failures.push(...Array<string>(unhandledErrors).fill('an error that nothing caught'));
  if (reason === 'interrupted') failures.push('the run was interrupted');
  // A reason that vitest gives and this count does not explain is still a failure.
  if (reason === 'failed' && failedTests + failures.length === 0) failures.push('vitest reports a failure');
  return { passed, failed: failedTests + failures.length, skipped, failures };
}

function nameOf(task: TestCase | TestSuite): string {
  return `${task.module.relativeModuleId} > ${task.fullName}`;
}

function reasonFor(test: TestCase): string {
  if (test.options.mode === 'todo') return 'todo';
  for (let at: TestCase | TestSuite | TestModule = test; at.type !== 'module'; at = at.parent) {
    if (at.parent.errors().length > 0) return 'not run, because a hook before it failed';
  }
  return 'no reason given';
}

/** vitest matches `-t` against the names from the outermost suite to the test, joined by spaces. */
function isAskedFor(test: TestCase, namePattern: RegExp | undefined): boolean {
  if (namePattern === undefined) return true;
  const names: string[] = [];
  for (let at: TestCase | TestSuite | TestModule = test; at.type !== 'module'; at = at.parent) names.unshift(at.name);
  return names.join(' ').match(namePattern) !== null;
}
