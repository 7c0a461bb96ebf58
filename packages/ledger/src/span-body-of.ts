/** What is signed in clear of a finished span: its identity, its names within their limits, its usage and charge. */
import { type AccountedSpan, accountFor, type Pricing } from '@infrafabric/accounting';
import { fitText, type SpanBody, TEXT_LIMITS } from '@infrafabric/format';
import type { AnyValue, KeyValue, ResourceRecord, SpanRecord } from '@infrafabric/otlp';
import { WITNESS_COMPONENT, WITNESS_TRACE_ID, WITNESS_TRACE_PARENT_ID } from '@infrafabric/semconv';

type TextMember = 'business' | 'business_parent' | 'component' | 'event' | 'service';
type Body = { -readonly [Member in keyof SpanBody]: SpanBody[Member] };

/** The body of a span's entry. Without `pricing` no cost is computed. Never throws for a span that `@infrafabric/otlp` decoded. */
export function spanBodyOf(record: SpanRecord, pricing: Pricing | undefined): SpanBody {
  const { attributes } = record;
  const span: AccountedSpan = { attributes, scopeName: record.scope.name, statusCode: record.status.code };
  const account = accountFor(span, pricing && { pricing, startUnixNano: record.startUnixNano });
  const own = namesIn(attributes);
  const shared = namesOfResource(record.resource);
  // Plain assignments: spreads of this many members take longer than all the rest.
  const body: Body = {
    end: String(record.endUnixNano),
    event: '',
    kind: record.kind >>> 0,
    span: record.spanId,
    start: String(record.startUnixNano),
    status: record.status.code >>> 0,
    trace: record.traceId,
  };
  const flaws: Flaws = { cut: [], lossy: record.lossy };
  setText(body, 'event', record.name, flaws);
  setText(body, 'business', own.business, flaws);
  setText(body, 'business_parent', own.businessParent, flaws);
  setText(body, 'component', own.component ?? shared.component, flaws);
  setText(body, 'service', shared.service, flaws);
  if (account.charge !== undefined) body.charge = account.charge;
  if (record.parentSpanId !== '') body.parent = record.parentSpanId;
  if (account.usage !== undefined) body.usage = account.usage;
  if (account.fitting?.cut === true) flaws.cut.push('usage');
  if (account.fitting?.lossy === true) flaws.lossy = [...flaws.lossy, 'usage'];
  if (flaws.cut.length > 0) body.cut = flaws.cut.sort();
  if (flaws.lossy.length > 0) body.lossy = [...new Set(flaws.lossy)].sort();
  return body;
}

/** Members that are not as the span had them. */
interface Flaws {
  readonly cut: string[];
  lossy: readonly string[];
}

/** Empty text is said of `event` only, which every span has. */
function setText(body: Body, member: TextMember, text: string | undefined, flaws: Flaws): void {
  if (text === undefined || text === '') return;
  const fitted = fitText(text, TEXT_LIMITS[member]);
  if (fitted.cut) flaws.cut.push(member);
  if (fitted.lossy) flaws.lossy = [...flaws.lossy, member];
  body[member] = fitted.text;
}

interface Names {
  business: string | undefined;
  businessParent: string | undefined;
  component: string | undefined;
  service: string | undefined;
}

/** The first attribute of a key counts, and only as text. */
function namesIn(attributes: readonly KeyValue[]): Names {
  const names: Names = { business: undefined, businessParent: undefined, component: undefined, service: undefined };
  let seen = 0;
  // By index and not destructured: that runs the iterator protocol for every attribute of every span.
  for (let i = 0; i < attributes.length; i++) {
    const key = attributes[i]![0];
    const value: AnyValue = attributes[i]![1];
    // Most keys are none of these: look at the first letter before the whole.
    const first = key.charCodeAt(0);
    if (first === 0x77) {
      if (key === WITNESS_TRACE_ID) {
        if ((seen & 1) === 0 && typeof value === 'string') names.business = value;
        seen |= 1;
      } else if (key === WITNESS_TRACE_PARENT_ID) {
        if ((seen & 2) === 0 && typeof value === 'string') names.businessParent = value;
        seen |= 2;
      } else if (key === WITNESS_COMPONENT) {
        if ((seen & 4) === 0 && typeof value === 'string') names.component = value;
        seen |= 4;
      }
    } else if (first === 0x73 && key === 'service.name') {
      if ((seen & 8) === 0 && typeof value === 'string') names.service = value;
      seen |= 8;
    }
  }
  return names;
}

/** Spans share their resource object, and so what it says. */
const resourceNames = new WeakMap<ResourceRecord, Names>();

function namesOfResource(resource: ResourceRecord): Names {
  let names = resourceNames.get(resource);
  if (names === undefined) {
    names = namesIn(resource.attributes);
    resourceNames.set(resource, names);
  }
  return names;
}
