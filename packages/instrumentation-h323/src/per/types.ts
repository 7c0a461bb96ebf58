/**
 * ASN.1 types as data, so that one decoder and one encoder serve them all, and a test can make values of every type. Only
 * what H.225.0 RAS uses.
 */

declare const VALUE: unique symbol;

/** A type whose values are of the TypeScript type `T`. */
export type Of<T> = PerType & { readonly [VALUE]?: T };

/** Any type. */
export type PerType =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'null' }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number; readonly isExtensible: boolean }
  | { readonly kind: 'octets'; readonly min: number; readonly max: number }
  | { readonly kind: 'bits'; readonly size: number }
  | { readonly kind: 'text'; readonly charset: Charset; readonly min: number; readonly max: number }
  | { readonly kind: 'objectIdentifier' }
  | { readonly kind: 'open' }
  | { readonly kind: 'unread' }
  | { readonly kind: 'list'; readonly of: PerType }
  | SequenceType
  | ChoiceType;

/** `digits` is IA5String (FROM "0123456789#*,"). */
export type Charset = 'bmp' | 'ia5' | 'digits';

export interface SequenceType {
  readonly kind: 'sequence';
  readonly fields: readonly Field[];
  /** Undefined: without extension marker. */
  readonly additions: readonly Addition[] | undefined;
}

export interface Field {
  readonly name: string;
  readonly type: PerType;
  readonly isOptional: boolean;
}

/** An extension addition; without a type it is kept as octets. */
export interface Addition {
  readonly name: string;
  readonly type: PerType | undefined;
}

export interface ChoiceType {
  readonly kind: 'choice';
  readonly root: readonly Alternative[];
  /** Undefined: without extension marker. */
  readonly more: readonly Alternative[] | undefined;
  /** All alternatives are NULL: values are the names alone. */
  readonly isEnumeration: boolean;
}

export interface Alternative {
  readonly name: string;
  readonly type: PerType;
}

/** A value of a SEQUENCE that has additions which are not decoded: their octets by name, or by `#` and place when unknown. */
export interface WithAdditions {
  readonly additions?: Readonly<Record<string, Uint8Array>>;
}

interface Optional<T> {
  readonly optional: Of<T>;
}

type RootOf<T> = {
  readonly [Name in keyof T]?: Of<Exclude<T[Name], undefined>> | Optional<Exclude<T[Name], undefined>>;
};
type AdditionOf<T> = { readonly [Name in keyof T & string]: readonly [Name, Of<Exclude<T[Name], undefined>>] };

export const boolean: Of<boolean> = { kind: 'boolean' };
export const nothing: Of<null> = { kind: 'null' };
export const objectIdentifier: Of<string> = { kind: 'objectIdentifier' };
/** An open type that is kept as octets. */
export const open: Of<Uint8Array> = { kind: 'open' };

/** A type that is not decoded and has no length of its own: the open type around it is kept as octets. */
export const unread: Of<never> = { kind: 'unread' };

/** INTEGER (min..max). */
export function integer(min: number, max: number, isExtensible = false): Of<number> {
  return { kind: 'integer', min, max, isExtensible };
}

/** OCTET STRING (SIZE (min..max)). */
export function octets(min = 0, max: number = Number.POSITIVE_INFINITY): Of<Uint8Array> {
  return { kind: 'octets', min, max };
}

/** BIT STRING (SIZE (size)), in whole octets. */
export function bits(size: number): Of<Uint8Array> {
  return { kind: 'bits', size };
}

/** A character string (SIZE (min..max)). */
export function text(charset: Charset, min: number, max: number): Of<string> {
  return { kind: 'text', charset, min, max };
}

/** SEQUENCE OF. */
export function list<T>(of: Of<T>): Of<readonly T[]> {
  return { kind: 'list', of };
}

/** OPTIONAL, in the root of a SEQUENCE. */
export function optional<T>(type: Of<T>): Optional<T> {
  return { optional: type };
}

/** SEQUENCE without extension marker. */
export function closedSequence<T>(root: RootOf<T>): Of<T> {
  return { kind: 'sequence', fields: fieldsOf(root), additions: undefined };
}

/** SEQUENCE with an extension marker. @param additions in their order: decoded by a type, or named and kept as octets */
export function sequence<T>(
  root: RootOf<T>,
  additions: readonly (string | AdditionOf<T>[keyof T & string])[] = [],
): Of<T> {
  return {
    kind: 'sequence',
    fields: fieldsOf(root),
    additions: additions.flatMap((addition): readonly Addition[] =>
      typeof addition === 'string'
        ? addition.split(' ').map((name) => ({ name, type: undefined }))
        : [{ name: addition[0], type: addition[1] }],
    ),
  };
}

/** CHOICE: values are `{ name, value }`. @param more alternatives behind the extension marker; undefined without one */
export function choice<T>(root: Readonly<Record<string, PerType>>, more?: Readonly<Record<string, PerType>>): Of<T> {
  const of = (types: Readonly<Record<string, PerType>>): readonly Alternative[] =>
    Object.entries(types).map(([name, type]) => ({ name, type }));
  return { kind: 'choice', root: of(root), more: more && of(more), isEnumeration: false };
}

/** CHOICE of NULLs with an extension marker: values are the names. @param root names, separated by spaces; `more` likewise */
export function enumeration<Name extends string = string>(root: string, more = ''): Of<Name> {
  const of = (names: string): readonly Alternative[] =>
    names.split(' ').flatMap((name) => (name === '' ? [] : [{ name, type: nothing }]));
  return { kind: 'choice', root: of(root), more: of(more), isEnumeration: true };
}

function fieldsOf(root: object): readonly Field[] {
  return Object.entries(root as Record<string, PerType | Optional<unknown>>).map(([name, type]) =>
    'optional' in type ? { name, type: type.optional, isOptional: true } : { name, type, isOptional: false },
  );
}
