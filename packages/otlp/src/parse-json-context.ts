/** Resources and scopes out of OTLP/JSON, with the spans they enclose left to the caller. */
import type { JsonWalk } from './json-walk.js';
import { Lossy } from './lossy.js';
import { isDroppedAttributesCount } from './parse-json-span.js';
import { parseAttributes } from './parse-json-value.js';
import type { EntityRef, ResourceRecord, ScopeRecord } from './span-record.js';

type Draft<T> = { -readonly [K in keyof T]: T[K] };

/** Reads a `ResourceSpans`, passing over `scopeSpans`. */
export function parseResourceContext(walk: JsonWalk, json: unknown): ResourceRecord {
  walk.state.begin();
  walk.state.field = Lossy.resource;
  const resource: Draft<ResourceRecord> = {
    attributes: [],
    droppedAttributesCount: 0,
    entityRefs: [],
    schemaUrl: '',
  };
  let innerSchemaUrl = '';
  for (const [name, member] of walk.members(json)) {
    walk.enter(name);
    if (name === 'resource') innerSchemaUrl = parseResource(walk, member, resource);
    else if (isSchemaUrl(name)) resource.schemaUrl = walk.text(member);
    else if (!isScopeSpans(name)) walk.state.markUnknown();
    walk.leave();
  }
  if (innerSchemaUrl !== '' && innerSchemaUrl !== resource.schemaUrl) walk.state.markUnknown();
  return resource;
}

/** Reads a `ScopeSpans`, passing over `spans`. */
export function parseScopeContext(walk: JsonWalk, json: unknown): ScopeRecord {
  walk.state.begin();
  walk.state.field = Lossy.scope;
  const scope: Draft<ScopeRecord> = {
    name: '',
    version: '',
    attributes: [],
    droppedAttributesCount: 0,
    schemaUrl: '',
  };
  for (const [name, member] of walk.members(json)) {
    walk.enter(name);
    if (name === 'scope') parseScope(walk, member, scope);
    else if (isSchemaUrl(name)) scope.schemaUrl = walk.text(member);
    else if (name !== 'spans') walk.state.markUnknown();
    walk.leave();
  }
  return scope;
}

/** Either spelling of the field that holds a resource's scopes. */
export function isScopeSpans(name: string): boolean {
  return name === 'scopeSpans' || name === 'scope_spans';
}

function isSchemaUrl(name: string): boolean {
  return name === 'schemaUrl' || name === 'schema_url';
}

/**
 * Returns the `schemaUrl` that the JS SDK writes into the resource as well. The schema has none there, so it may be passed
 * over without a word only where it repeats the one that counts.
 */
function parseResource(walk: JsonWalk, json: unknown, resource: Draft<ResourceRecord>): string {
  let schemaUrl = '';
  for (const [name, member] of walk.members(json)) {
    walk.enter(name);
    if (name === 'attributes') resource.attributes = parseAttributes(walk, member);
    else if (isDroppedAttributesCount(name)) resource.droppedAttributesCount = walk.uint32(member);
    else if (name === 'entityRefs' || name === 'entity_refs') resource.entityRefs = parseEntityRefs(walk, member);
    else if (isSchemaUrl(name)) schemaUrl = walk.text(member);
    else walk.state.markUnknown();
    walk.leave();
  }
  return schemaUrl;
}

function parseScope(walk: JsonWalk, json: unknown, scope: Draft<ScopeRecord>): void {
  for (const [name, member] of walk.members(json)) {
    walk.enter(name);
    if (name === 'name') scope.name = walk.text(member);
    else if (name === 'version') scope.version = walk.text(member);
    else if (name === 'attributes') scope.attributes = parseAttributes(walk, member);
    else if (isDroppedAttributesCount(name)) scope.droppedAttributesCount = walk.uint32(member);
    else walk.state.markUnknown();
    walk.leave();
  }
}

function parseEntityRefs(walk: JsonWalk, json: unknown): EntityRef[] {
  return walk.list(json).map((element, i) => {
    walk.enter(i);
    if (element === null) throw walk.error('an object');
    const entity: Draft<EntityRef> = { schemaUrl: '', type: '', idKeys: [], descriptionKeys: [] };
    for (const [name, member] of walk.members(element)) {
      walk.enter(name);
      if (isSchemaUrl(name)) entity.schemaUrl = walk.text(member);
      else if (name === 'type') entity.type = walk.text(member);
      else if (name === 'idKeys' || name === 'id_keys') entity.idKeys = parseKeys(walk, member);
      else if (name === 'descriptionKeys' || name === 'description_keys')
        entity.descriptionKeys = parseKeys(walk, member);
      else walk.state.markUnknown();
      walk.leave();
    }
    walk.leave();
    walk.state.countAttribute();
    return entity;
  });
}

function parseKeys(walk: JsonWalk, json: unknown): string[] {
  return walk.list(json).map((element, i) => {
    walk.enter(i);
    if (element === null) throw walk.error('a string');
    const key = walk.text(element);
    walk.leave();
    walk.state.countAttribute();
    return key;
  });
}
