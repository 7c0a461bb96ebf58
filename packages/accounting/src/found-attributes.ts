/** One pass over a span's attributes: which keys of the table are there. Most spans have none, and cost one look-up a key. */
import type { Attributes, AttributeValue } from './attribute-value.js';

/** Where a field was read: the key, and what its value was read as. */
export interface Found<T> {
  readonly key: string;
  readonly value: T;
}

/** A field of a table: its keys, which have consecutive slots from `slot` on. */
interface FieldPlace {
  readonly keys: readonly string[];
  readonly slot: number;
  /** Its bit in a mask of fields. */
  readonly bit: number;
}

/** Where the value of a key goes. */
interface KeyPlace {
  readonly slot: number;
  readonly bit: number;
}

/** Finds the keys of a table of at most 31 fields. Build it once: it holds the index from key to place. */
export class AttributeFinder<Field extends string> {
  private readonly fields: ReadonlyMap<Field, FieldPlace>;
  /** A key may stand in the lists of several fields. */
  private readonly places: ReadonlyMap<string, readonly KeyPlace[]>;
  /** No value in any slot; copying it is several times faster than filling a new array. */
  private readonly blank: readonly (AttributeValue | undefined)[];
  private readonly prefix: string | undefined;

  /** @param prefix of keys that are collected besides, for {@link FoundAttributes.prefixed}. */
  constructor(table: Readonly<Record<Field, readonly string[]>>, prefix?: string) {
    const fields = new Map<Field, FieldPlace>();
    const places = new Map<string, KeyPlace[]>();
    let slots = 0;
    for (const [field, keys] of Object.entries(table) as [Field, readonly string[]][]) {
      const bit = 1 << fields.size;
      fields.set(field, { keys, slot: slots, bit });
      for (const key of keys) {
        const place = { slot: slots++, bit };
        const others = places.get(key);
        if (others === undefined) places.set(key, [place]);
        else others.push(place);
      }
    }
    if (fields.size > 31) throw new RangeError(`${fields.size} fields: a mask holds at most 31, use two finders`);
    this.fields = fields;
    this.places = places;
    this.blank = new Array<AttributeValue | undefined>(slots).fill(undefined);
    this.prefix = prefix;
  }

  /** What is there; undefined when nothing is. Of a key that comes twice, the first value counts. */
  find(attributes: Attributes): FoundAttributes<Field> | undefined {
    let values: (AttributeValue | undefined)[] | undefined;
    let mask = 0;
    let prefixed: (readonly [string, AttributeValue])[] | undefined;
    // By index and not destructured: that would run the iterator protocol for every attribute of every span.
    for (let i = 0; i < attributes.length; i++) {
      const attribute = attributes[i]!;
      const key = attribute[0];
      const value = attribute[1];
      if (value === null || value === undefined || value === '') continue;
      const places = this.places.get(key);
      if (places !== undefined) {
        values ??= this.blank.slice();
        for (let j = 0; j < places.length; j++) {
          const { slot, bit } = places[j]!;
          values[slot] ??= value;
          mask |= bit;
        }
      } else if (this.prefix !== undefined && key.startsWith(this.prefix)) {
        prefixed ??= [];
        prefixed.push(attribute);
      }
    }
    if (values === undefined && prefixed === undefined) return undefined;
    return new FoundAttributes(this.fields, values ?? this.blank, mask, prefixed ?? []);
  }
}

/** The attributes of one span that say something. */
export class FoundAttributes<Field extends string> {
  private readonly fields: ReadonlyMap<Field, FieldPlace>;
  private readonly values: readonly (AttributeValue | undefined)[];
  /** Bits of the fields that have a value, so that the others cost no walk. */
  private readonly mask: number;
  /** Attributes whose key starts with the finder's prefix, in the order received. */
  readonly prefixed: Attributes;

  constructor(
    fields: ReadonlyMap<Field, FieldPlace>,
    values: readonly (AttributeValue | undefined)[],
    mask: number,
    prefixed: Attributes,
  ) {
    this.fields = fields;
    this.values = values;
    this.mask = mask;
    this.prefixed = prefixed;
  }

  /** The first key of a field, in table order, whose value `read` makes something of; undefined when there is none. */
  first<T>(field: Field, read: (value: AttributeValue, key: string) => T | undefined): Found<T> | undefined {
    const { keys, slot, bit } = this.fields.get(field)!;
    if ((this.mask & bit) === 0) return undefined;
    for (let i = 0; i < keys.length; i++) {
      const value = this.values[slot + i];
      if (value === undefined) continue;
      const reading = read(value, keys[i]!);
      if (reading !== undefined) return { key: keys[i]!, value: reading };
    }
    return undefined;
  }

  /** The value of the key at this place of a field's list; undefined when it is not there. */
  valueAt(field: Field, place: number): AttributeValue | undefined {
    return this.values[this.fields.get(field)!.slot + place];
  }

  /** Whether any key of a field has a value. */
  has(field: Field): boolean {
    return (this.mask & this.fields.get(field)!.bit) !== 0;
  }
}
