/** `--json` of `report` and `cost`: sums as every command has them, then the groups. */

import { decimalUsd } from '@infrafabric/accounting';
import type { JsonOut } from '../json-text.js';
import { isoOfUnixNano } from '../read/nano-text.js';
import type { Compared, Grouped } from './group-rows.js';
import type { Asked } from './report-rows.js';

/** The result as one object. */
export function reportJson(grouped: Grouped, asked: Asked): { readonly [key: string]: JsonOut } {
  const { sinceUnixNano, untilUnixNano, zone } = asked.time;
  return {
    totals: grouped.total.totals.toJson() as JsonOut,
    component: asked.component ?? null,
    trace_id: asked.traceId ?? null,
    since: sinceUnixNano === undefined ? null : isoOfUnixNano(sinceUnixNano),
    until: untilUnixNano === undefined ? null : isoOfUnixNano(untilUnixNano),
    time_zone: zone,
    rate_cards: [...grouped.cards],
    calls_matched_loosely: Number(grouped.looselyMatched),
    ...(grouped.compared === undefined ? {} : { compared: comparedJson(grouped.compared) }),
    group_by: [...grouped.keys],
    groups: grouped.groups.map(({ values, course }) => ({
      ...Object.fromEntries(grouped.keys.map((key, i) => [key, values[i] ?? null])),
      totals: course.totals.toJson() as JsonOut,
    })),
  };
}

function comparedJson({ calls, reportedPico, byCardPico, cards }: Compared): JsonOut {
  return {
    calls: Number(calls),
    reported_usd: decimalUsd(reportedPico),
    by_card_usd: decimalUsd(byCardPico),
    cards: [...cards].sort(),
  };
}
