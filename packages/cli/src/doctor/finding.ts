/** One line of `doctor`. */

/** What a check found. */
export interface Finding {
  /** Stable name of the check. */
  readonly check: string;
  readonly ok: boolean;
  /** What was seen. */
  readonly found: string;
  /** How to mend it; with a problem always. */
  readonly mend?: string;
}

/** A check that is well. */
export function fine(check: string, found: string): Finding {
  return { check, ok: true, found };
}

/** A check that is not. */
export function problem(check: string, found: string, mend: string): Finding {
  return { check, ok: false, found, mend };
}
