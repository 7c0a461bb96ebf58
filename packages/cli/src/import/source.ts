/** What `import` can take, as it was found and verified. */
import type { ForeignLedger } from '@infrafabric/ledger/import';

/** Another ledger, verified as far as it can be. */
export interface ImportSource {
  /** For people: `ledger`, `JSON export`, `bundle`. */
  readonly kind: string;
  readonly origin: string;
  /** Entries that its newest checkpoint covers. */
  readonly size: number;
  /** Key id under which it was verified; undefined where it was not. */
  readonly keyIdHex: string | undefined;
  /** Why it is not what was signed, or why nobody can tell; undefined where it verified. */
  readonly fault: SourceFault | undefined;
  /** In sentences, for people. */
  readonly checked: readonly string[];
  readonly notChecked: readonly string[];
  readonly foreign: ForeignLedger;
  /** Entries that cannot be read; known after all were read. */
  readonly unreadable: () => number;
  readonly close: () => Promise<void>;
}

/** Why a source did not verify. */
export interface SourceFault {
  readonly message: string;
  readonly hint: string;
  /** 1: it is not what was signed; 3: nobody can tell. */
  readonly exitCode: 1 | 3;
}

/** How to look at a source. */
export interface SourceOptions {
  readonly file: string;
  /** Witness home, for its keys. */
  readonly home: string;
  /** What `--key` said. */
  readonly key: string | undefined;
  /** Told how far the verification is. */
  readonly onProgress: (entries: number, size: number) => void;
}
