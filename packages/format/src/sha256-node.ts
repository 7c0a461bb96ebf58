/** SHA-256 (FIPS 180-4) by Node's one-shot `crypto.hash`; string output is several times faster there than Buffers. */
import { hash } from 'node:crypto';

/** Lowercase hex SHA-256 of bytes, or of the UTF-8 octets of a well-formed string. */
export function sha256Hex(data: string | Uint8Array): string {
  return hash('sha256', data, 'hex');
}
