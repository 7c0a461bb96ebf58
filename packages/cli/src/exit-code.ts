/** What the exit codes of both programs mean. Every `--help` prints this list. */

/** 0 yes or done; 1 the answer is no; 2 could not do it; 3 could not tell. A command that runs another hands its code on. */
export type ExitCode = 0 | 1 | 2 | 3;

/** The codes for people, in order. */
export const EXIT_CODES: readonly (readonly [code: ExitCode, meaning: string])[] = [
  [0, 'yes, or done'],
  [1, 'the answer is no: ledger invalid, id not found, doctor found a problem'],
  [2, 'could not do it: usage, input, I/O, ledger locked'],
  [3, 'could not tell: INCOMPLETE, no key held, --require-anchor or a policy unmet'],
];
