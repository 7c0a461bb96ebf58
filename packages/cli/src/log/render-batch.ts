/** The answer of `log --batch`. */
import { escapeJson } from '../escape.js';
import type { BatchResult } from './log-batch.js';

/** One line for people, or one JSON object. */
export function renderBatch(result: BatchResult, json: boolean): string {
  const { lines, appended, duplicates, spooled, skipped, firstSeq, lastSeq, hashHex } = result;
  if (json) {
    const answer = {
      lines,
      appended,
      duplicates,
      spooled,
      skipped,
      first_seq: firstSeq ?? null,
      last_seq: lastSeq ?? null,
      hash: hashHex ?? null,
    };
    return `${escapeJson(JSON.stringify(answer))}\n`;
  }
  const parts = [`${appended} appended`];
  if (firstSeq !== undefined) parts.push(`seq ${firstSeq} to ${lastSeq}`, `hash ${hashHex}`);
  if (duplicates > 0) parts.push(`${duplicates} known already`);
  if (spooled > 0) parts.push(`${spooled} spooled`);
  if (skipped > 0) parts.push(`${skipped} skipped`);
  return `${parts.join('  ')}\n`;
}
