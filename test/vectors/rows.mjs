/** The rows of a ledger file as JSON can hold them. */
import { hexOf, leafHashHex, payloadDigestHex } from '@infrafabric/format';
import { Sqlite } from '../sqlite.mjs';

/** Every row of a ledger file but for the columns that repeat what entries say. */
export function rowsOf(file) {
  const db = new Sqlite(file);
  try {
    const all = (sql) => db.prepare(sql).all();
    return {
      entries: all('SELECT seq, entry FROM entries ORDER BY seq').map(({ seq, entry }) => ({
        seq,
        leaf: leafHashHex(entry),
        entry,
      })),
      checkpoints: all('SELECT size, CAST(note AS TEXT) AS note FROM checkpoints ORDER BY size'),
      nodes: all('SELECT level, node, lower(hex(hash)) AS hash FROM nodes ORDER BY level, node'),
      payloads: all('SELECT seq, salt, payload FROM payloads ORDER BY seq').map(({ seq, salt, payload }) =>
        payloadRow(seq, salt, payload),
      ),
      contexts: all(
        'SELECT lower(hex(digest)) AS digest, kind, lower(hex(context)) AS context FROM contexts ORDER BY digest',
      ),
    };
  } finally {
    db.close();
  }
}

/** A row of `payloads`, with its digest. */
export function payloadRow(seq, salt, payload) {
  return { seq, digest: payloadDigestHex(salt, payload), salt: hexOf(salt), payload: hexOf(payload) };
}
