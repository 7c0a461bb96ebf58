/** W3C Baggage (https://www.w3.org/TR/baggage/) as it stands in the environment variable BAGGAGE. */

const MEMBER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*([\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*)[ \t]*(;.*)?$/;

/** A list of members, kept as they were written; the values of those that are asked for are decoded. */
export class Baggage {
  readonly #members: readonly string[];

  private constructor(members: readonly string[]) {
    this.#members = members;
  }

  /** Reads the variable. Members that are not well-formed are kept and never found. */
  static parse(text: string | undefined): Baggage {
    const members = (text ?? '').split(',').map((member) => member.trim());
    return new Baggage(members.filter((member) => member !== ''));
  }

  /** The decoded value under a key; undefined when there is none or it is empty. */
  get(key: string): string | undefined {
    for (const member of this.#members) {
      const match = MEMBER.exec(member);
      if (match?.[1] === key) return percentDecode(match[2] ?? '') || undefined;
    }
    return undefined;
  }

  /** The same list with a key set, or without it. */
  with(key: string, value: string | undefined): Baggage {
    const others = this.#members.filter((member) => MEMBER.exec(member)?.[1] !== key);
    return new Baggage(value === undefined ? others : [...others, `${key}=${encodeURIComponent(value)}`]);
  }

  /** The text for the variable; '' when there is no member. */
  render(): string {
    return this.#members.join(',');
  }
}

function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
