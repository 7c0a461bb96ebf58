/** What every form of `export` is written by. */
import type { FoundEntry } from './stored-entries.js';

/** Writes entries in one form. */
export interface ExportWriter {
  readonly add: (found: FoundEntry) => void;
  /** Writes what is left; answers how many calls there were, where it writes calls. */
  readonly end: () => { readonly calls: number } | undefined;
}
