/**
 * Since when the current key signs, for a gauge. The remembered head says by which key the newest checkpoint is signed; the
 * ledger is looked into only when that is another one than before.
 */
import { readFile } from 'node:fs/promises';
import { parseNote } from '@infrafabric/format';
import { headFile } from '@infrafabric/ledger';
import { keySinceUnixNano, LedgerReader } from '@infrafabric/ledger/reader';

/** A page of metrics must not wait for a ledger that is being recovered. */
const TIMEOUT_MS = 100;

/** Of one ledger, whoever writes it. */
export class KeySince {
  readonly #ledger: string;
  #keyIds = '';
  #sinceMs: number | undefined;

  constructor(ledger: string) {
    this.#ledger = ledger;
  }

  /** Unix time, milliseconds; undefined before the first commit, and where it cannot be had. Never rejects. */
  async sinceMs(): Promise<number | undefined> {
    try {
      const { signatures } = parseNote(await readFile(headFile(this.#ledger)));
      const keyIds = signatures.map(({ keyIdHex }) => keyIdHex).join();
      if (keyIds !== this.#keyIds) {
        this.#sinceMs = this.#lookUp();
        this.#keyIds = keyIds;
      }
      return this.#sinceMs;
    } catch {
      return undefined;
    }
  }

  #lookUp(): number | undefined {
    const reader = LedgerReader.open(this.#ledger, { timeoutMs: TIMEOUT_MS });
    try {
      const since = keySinceUnixNano(reader);
      return since === undefined ? undefined : Number(since / 1_000_000n);
    } finally {
      reader.close();
    }
  }
}
