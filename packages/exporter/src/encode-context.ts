/** What many spans share, resource and scope, as bytes: encoded once per object, then copied. */
import { ProtoWriter } from '@infrafabric/otlp';
import { ValueBudget, writeAttributes, writeCount, writeText } from './encode-value.js';
import type { Attributes, InstrumentationScope, Resource } from './readable-span.js';

/** The fields around the spans: what stands before them in their enclosing message, and what after. */
export interface EncodedContext {
  readonly head: Uint8Array;
  /** `schema_url`. */
  readonly tail: Uint8Array;
}

/** A resource's bytes and the name of the service that it describes. */
export interface EncodedResource extends EncodedContext {
  readonly service: string;
}

const writer = new ProtoWriter();
const resources = new WeakMap<Resource, EncodedResource>();
const scopes = new WeakMap<InstrumentationScope, EncodedContext>();

/** The fields of a `ResourceSpans`. Attributes that have not arrived yet are left out. @throws what a hostile one throws. */
export function encodeResource(resource: Resource): EncodedResource {
  let encoded = resources.get(resource);
  if (encoded === undefined) {
    const { attributes } = resource;
    encoded = {
      ...encodeContext(resource.schemaUrl, () => writeAttributes(writer, 0x0a, attributes, new ValueBudget())),
      service: serviceOf(attributes),
    };
    // A resource that is still arriving will have other bytes.
    if (resource.asyncAttributesPending !== true) resources.set(resource, encoded);
  }
  return encoded;
}

/** The fields of a `ScopeSpans`. @throws what a hostile one throws. */
export function encodeScope(scope: InstrumentationScope): EncodedContext {
  let encoded = scopes.get(scope);
  if (encoded === undefined) {
    encoded = encodeContext(scope.schemaUrl, () => {
      writeText(writer, 0x0a, scope.name);
      writeText(writer, 0x12, scope.version);
      if (scope.attributes !== undefined) writeAttributes(writer, 0x1a, scope.attributes, new ValueBudget());
      writeCount(writer, 0x20, scope.droppedAttributesCount);
    });
    scopes.set(scope, encoded);
  }
  return encoded;
}

function encodeContext(schemaUrl: string | undefined, writeFields: () => void): EncodedContext {
  writer.reset();
  const start = writer.open(0x0a);
  writeFields();
  const isEmpty = writer.pos === start;
  writer.close(start);
  const head = isEmpty ? new Uint8Array() : writer.bytes.slice(0, writer.pos);
  writer.reset();
  writeText(writer, 0x1a, schemaUrl);
  return { head, tail: writer.finish() };
}

function serviceOf(attributes: Attributes): string {
  const name = attributes['service.name'];
  return typeof name === 'string' ? name : 'unknown_service';
}
