/** Spans to the OTLP backend that the OTEL_EXPORTER_OTLP_* variables name, besides the ledger. */
import { encodeTraceRequest, renderTraceRequestJson, type SpanRecord } from '@infrafabric/otlp';
import { type OtlpEndpoint, otlpEndpointFromEnv, sendTraceRequest } from '@infrafabric/otlp/send';

type Env = Readonly<Record<string, string | undefined>>;

/** Sends spans; answers why they did not arrive, or undefined. Never throws: the ledger has them. */
export async function forwardSpans(records: readonly SpanRecord[], env: Env): Promise<string | undefined> {
  const target = otlpEndpointFromEnv(env);
  if (target === undefined) return undefined;
  if (target.kind === 'problem') return target.message;
  if (!target.configured) return undefined;
  try {
    return await send(records, target);
  } catch (error) {
    return (error as Error).message;
  }
}

async function send(records: readonly SpanRecord[], target: OtlpEndpoint): Promise<string | undefined> {
  const { endpoint, headers, contentType, timeoutMs } = target;
  const body = contentType === 'application/json' ? renderTraceRequestJson(records) : encodeTraceRequest(records);
  const { status } = await sendTraceRequest({ endpoint, headers, contentType, timeoutMs, body });
  return status >= 200 && status < 300 ? undefined : `${new URL(endpoint).host} answered HTTP ${status}`;
}
