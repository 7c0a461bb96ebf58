/**
 * Lines out of a telnet stream (RFC 854): commands are taken out, CRLF or LF ends a line, and a line never grows without end.
 * Octets may be split anywhere. GnuGk's greeting begins with ff fd 03 ff fb 05 ff fe 01.
 */

/** Longer lines are cut; what is cut off is skipped to the end of the line. */
export const MAX_LINE_OCTETS = 16_384;

const IAC = 0xff;
const SUBNEGOTIATION = 0xfa;
const SUBNEGOTIATION_END = 0xf0;
const WILL = 0xfb;
const DONT = 0xfe;

type State = 'text' | 'iac' | 'option' | 'subnegotiation' | 'subnegotiation-iac';

/** Takes octets and hands out lines, without their ends. */
export class TelnetLines {
  readonly #onLine: (line: string, isCut: boolean) => void;
  readonly #line: Uint8Array = new Uint8Array(MAX_LINE_OCTETS);
  #length = 0;
  #isCut = false;
  #state: State = 'text';

  constructor(onLine: (line: string, isCut: boolean) => void) {
    this.#onLine = onLine;
  }

  push(octets: Uint8Array): void {
    for (const octet of octets) this.#take(octet);
  }

  #take(octet: number): void {
    switch (this.#state) {
      case 'text':
        if (octet === IAC) this.#state = 'iac';
        else if (octet === 0x0a) this.#endLine();
        else this.#add(octet);
        return;
      case 'iac':
        this.#state = octet === SUBNEGOTIATION ? 'subnegotiation' : octet >= WILL && octet <= DONT ? 'option' : 'text';
        // Twice ff is the octet ff itself.
        if (octet === IAC) this.#add(octet);
        return;
      case 'option':
        this.#state = 'text';
        return;
      case 'subnegotiation':
        if (octet === IAC) this.#state = 'subnegotiation-iac';
        return;
      case 'subnegotiation-iac':
        this.#state = octet === SUBNEGOTIATION_END ? 'text' : 'subnegotiation';
    }
  }

  #add(octet: number): void {
    if (this.#length === MAX_LINE_OCTETS) this.#isCut = true;
    else this.#line[this.#length++] = octet;
  }

  #endLine(): void {
    const isCarriageReturn = this.#line[this.#length - 1] === 0x0d && !this.#isCut;
    const end = this.#length > 0 && isCarriageReturn ? this.#length - 1 : this.#length;
    const line = decoder.decode(this.#line.subarray(0, end));
    const isCut = this.#isCut;
    this.#length = 0;
    this.#isCut = false;
    this.#onLine(line, isCut);
  }
}

/** Not strict: an alias may be in any encoding. */
const decoder = new TextDecoder();
