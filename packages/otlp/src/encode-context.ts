/**
 * Resources and scopes into canonical protobuf, each as the message that encloses its spans, without them: what many spans
 * share is encoded, and can be stored, once.
 */
import { writeText, writeUint32 } from './encode-fields.js';
import { writeAttributes } from './encode-value.js';
import { ProtoWriter } from './proto-writer.js';
import type { EntityRef, ResourceRecord, ScopeRecord } from './span-record.js';

const writer = new ProtoWriter();

/**
 * A `ResourceSpans` message with `resource` (1) and `schema_url` (3) only; a resource that holds nothing is left out, so
 * the default resource is no bytes at all. Throws RangeError for numbers outside their field's type.
 */
export function encodeResourceContext(resource: ResourceRecord): Uint8Array {
  writer.reset();
  const start = writer.open(0x0a);
  writeAttributes(writer, 0x0a, resource.attributes);
  writeUint32(writer, 0x10, resource.droppedAttributesCount);
  for (const entity of resource.entityRefs) writeEntityRef(entity);
  closeUnlessEmpty(start);
  writeText(writer, 0x1a, resource.schemaUrl);
  return writer.finish();
}

/**
 * A `ScopeSpans` message with `scope` (1) and `schema_url` (3) only; a scope that holds nothing is left out. Throws
 * RangeError for numbers outside their field's type.
 */
export function encodeScopeContext(scope: ScopeRecord): Uint8Array {
  writer.reset();
  const start = writer.open(0x0a);
  writeText(writer, 0x0a, scope.name);
  writeText(writer, 0x12, scope.version);
  writeAttributes(writer, 0x1a, scope.attributes);
  writeUint32(writer, 0x20, scope.droppedAttributesCount);
  closeUnlessEmpty(start);
  writeText(writer, 0x1a, scope.schemaUrl);
  return writer.finish();
}

/** Only for the first field of a message: an empty one is taken back by starting over. */
function closeUnlessEmpty(start: number): void {
  if (writer.pos === start) writer.reset();
  else writer.close(start);
}

function writeEntityRef(entity: EntityRef): void {
  const start = writer.open(0x1a);
  writeText(writer, 0x0a, entity.schemaUrl);
  writeText(writer, 0x12, entity.type);
  for (const key of entity.idKeys) {
    writer.varint(0x1a);
    writer.string(key);
  }
  for (const key of entity.descriptionKeys) {
    writer.varint(0x22);
    writer.string(key);
  }
  writer.close(start);
}
