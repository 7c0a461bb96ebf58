/** Certificate and key of the doors: read, matched, and looked at for their dates before anything listens. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Findings } from './config-problem.js';
import { readNamedFile, readSecretFile } from './secret-files.js';

/** PEM texts. */
export interface TlsFiles {
  /** The certificate, with those between it and the root behind it. */
  readonly cert: string;
  readonly key: string;
}

/** A path and who named it. */
export interface NamedFile {
  readonly file: string;
  readonly source: string;
}

const SOON_MS = 14 * 86_400_000;

/** Both texts; undefined when there is a problem with them. */
export function readTls(cert: NamedFile, key: NamedFile, findings: Findings, nowMs: number): TlsFiles | undefined {
  const certText = readNamedFile(cert.file, cert.source, findings);
  const keyText = readSecretFile(key.file, key.source, findings);
  if (certText === undefined || keyText === undefined) return undefined;
  const certificate = parse(() => new X509Certificate(certText));
  if (certificate === undefined) findings.problem(cert.source, `${cert.file} holds no PEM certificate`);
  else checkDates(certificate, cert, findings, nowMs);
  const privateKey = parse(() => createPrivateKey(keyText));
  if (privateKey === undefined) {
    findings.problem(
      key.source,
      `${key.file} holds no PEM private key that can be used`,
      'it must be without a passphrase',
    );
  }
  if (certificate === undefined || privateKey === undefined) return undefined;
  return fits(certificate, privateKey, certText, keyText)
    ? { cert: certText, key: keyText }
    : void findings.problem(
        key.source,
        `${key.file} is not the key of the first certificate in ${cert.file}`,
        'the certificate of this server comes first, then those that vouch for it',
      );
}

function checkDates(
  certificate: X509Certificate,
  { file, source }: NamedFile,
  findings: Findings,
  nowMs: number,
): void {
  const until = Date.parse(certificate.validTo);
  if (until < nowMs) findings.problem(source, `${file} expired on ${dayOf(until)}`, 'renew the certificate');
  else if (until < nowMs + SOON_MS)
    findings.warning(source, `${file} expires on ${dayOf(until)}`, 'renew the certificate');
  const from = Date.parse(certificate.validFrom);
  if (from > nowMs) findings.problem(source, `${file} is not valid before ${dayOf(from)}`, 'is the clock right?');
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function fits(certificate: X509Certificate, key: KeyObject, certText: string, keyText: string): boolean {
  if (!certificate.checkPrivateKey(key)) return false;
  // What the server itself will do with the texts.
  return parse(() => createSecureContext({ cert: certText, key: keyText })) !== undefined;
}

function parse<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
