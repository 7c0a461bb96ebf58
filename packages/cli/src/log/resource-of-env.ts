/** The resource of spans that the command line writes: the service, and what OTEL_RESOURCE_ATTRIBUTES says. Nothing of the process. */
import type { KeyValue, ResourceRecord } from '@infrafabric/otlp';

type Env = Readonly<Record<string, string | undefined>>;

/** Name of the service when nobody says one. */
const DEFAULT_SERVICE = 'if-witness';

/** The resource, and what could not be used. */
export interface ResourceOfEnv {
  readonly resource: ResourceRecord;
  readonly problem: string | undefined;
}

/** Follows the OpenTelemetry specification: a malformed list of attributes is ignored as a whole. */
export function resourceOfEnv(service: string | undefined, env: Env): ResourceOfEnv {
  const listed = parseAttributes(env.OTEL_RESOURCE_ATTRIBUTES ?? '');
  const attributes = new Map(listed);
  const name = service ?? (env.OTEL_SERVICE_NAME || attributes.get('service.name') || DEFAULT_SERVICE);
  attributes.delete('service.name');
  const all: KeyValue[] = [['service.name', name], ...attributes];
  return {
    resource: { attributes: all, droppedAttributesCount: 0, entityRefs: [], schemaUrl: '' },
    problem: listed === undefined ? 'OTEL_RESOURCE_ATTRIBUTES is not a list of key=value and is ignored' : undefined,
  };
}

function parseAttributes(text: string): [string, string][] | undefined {
  const attributes: [string, string][] = [];
  for (const pair of text.split(',')) {
    if (pair.trim() === '') continue;
    const equals = pair.indexOf('=');
    const key = pair.slice(0, Math.max(0, equals)).trim();
    if (key === '') return undefined;
    try {
      attributes.push([key, decodeURIComponent(pair.slice(equals + 1).trim())]);
    } catch {
      return undefined;
    }
  }
  return attributes;
}
