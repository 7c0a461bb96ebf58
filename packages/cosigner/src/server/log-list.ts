/**
 * The logs that a witness cosigns: a text file with `log VKEY [URL]` lines, as a C2SP policy has them, comments and empty
 * lines. Looked at again whenever the file has changed; what cannot be read then leaves the list as it was.
 */
import { readFileSync, statSync } from 'node:fs';
import { FormatError, type PolicyLog, parsePolicy, type VerifierKey } from '@infrafabric/format';
import { CosignerError } from './cosigner-error.js';

const MAX_OCTETS = 1_000_000;

/** The logs of a text. @throws FormatError `policy.malformed` with the line. */
export function parseLogs(octets: Uint8Array): readonly PolicyLog[] {
  // The same lines as in a policy; what else a policy has, has no place here.
  const none = Buffer.from('\nquorum none\n');
  const whole = octets.length === 0 || octets.at(-1) === 0x0a;
  if (!whole) throw new FormatError('policy.malformed', 'the last line does not end with a newline');
  const { logs, witnesses } = parsePolicy(Buffer.concat([octets, none]));
  if (witnesses.length > 0) throw new FormatError('policy.malformed', 'a witness line in a list of logs');
  return logs;
}

/** A file of logs, as it is now. */
export class LogList {
  readonly path: string;
  readonly #onReload: (logs: number) => void;
  readonly #onBad: (message: string) => void;
  #stamp = '';
  #logs: readonly PolicyLog[] = [];

  /** @throws CosignerError `bad-logs` where the file cannot be read or used now. */
  constructor(path: string, onReload: (logs: number) => void, onBad: (message: string) => void) {
    this.path = path;
    this.#onReload = onReload;
    this.#onBad = onBad;
    this.#stamp = this.#stampNow();
    try {
      this.#logs = this.#read();
    } catch (cause) {
      throw new CosignerError('bad-logs', `${path}: ${(cause as Error).message}`, {
        cause,
        hint: 'write a line `log VKEY` for each ledger, or use if-witness witness add VKEY',
      });
    }
  }

  /** Keys under which checkpoints of an origin are accepted; none for an unknown one. */
  keysOf(origin: string): VerifierKey[] {
    this.#refresh();
    return this.#logs.filter(({ key }) => key.name === origin).map(({ key }) => key);
  }

  /** All of them. */
  all(): readonly PolicyLog[] {
    this.#refresh();
    return this.#logs;
  }

  #refresh(): void {
    const stamp = this.#stampNow();
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    try {
      this.#logs = this.#read();
      this.#onReload(this.#logs.length);
    } catch (error) {
      this.#onBad(`the list of logs stays as it was: ${this.path}: ${(error as Error).message}`);
    }
  }

  #read(): readonly PolicyLog[] {
    // Not there yet: nothing is cosigned until something is listed.
    if (this.#stamp === 'none') return [];
    if (statSync(this.path).size > MAX_OCTETS) throw new RangeError(`it has more than ${MAX_OCTETS} octets`);
    return parseLogs(readFileSync(this.path));
  }

  #stampNow(): string {
    const file = statSync(this.path, { throwIfNoEntry: false, bigint: true });
    return file === undefined ? 'none' : `${file.ino} ${file.size} ${file.mtimeNs} ${file.ctimeNs}`;
  }
}
