/** Cuts octets into lines as they come, in memory for one line. Untrusted input. */
import { concatBytes, FormatError, MAX_BUNDLE_LINE_OCTETS } from '@infrafabric/format';

const NEWLINE = 0x0a;

/** Lines of a file whose pieces arrive one by one. */
export class BundleLines {
  #pieces: Uint8Array[] = [];
  #octets = 0;

  /** The lines that a piece completes, without their newlines. @throws FormatError `bundle.malformed` for one too long. */
  *cut(piece: Uint8Array): Generator<Uint8Array> {
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
      this.#keep(piece.subarray(start, end));
      start = end + 1;
      const line = this.#pieces.length === 1 ? this.#pieces[0]! : concatBytes(...this.#pieces);
      this.#pieces = [];
      this.#octets = 0;
      yield line;
    }
    this.#keep(piece.subarray(start));
  }

  /** Whether the last line has no newline at its end. */
  get hasRest(): boolean {
    return this.#octets > 0;
  }

  #keep(part: Uint8Array): void {
    this.#octets += part.length;
    if (this.#octets > MAX_BUNDLE_LINE_OCTETS)
      throw new FormatError('bundle.malformed', 'not a bundle: a line is too long');
    this.#pieces.push(part);
  }
}
