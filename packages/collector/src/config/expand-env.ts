/** `${env:NAME}` in texts of the configuration file, as the OpenTelemetry Collector writes it. */
import { Unusable } from './config-problem.js';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The text with `${env:NAME}` and `${env:NAME:-default}` replaced, and `$$` as one `$`. What a variable holds is taken as
 * it is. A lone `$` stays. @throws Unusable for a variable that is not set, and for `${…}` of any other form.
 */
export function expandEnv(text: string, env: Env): string {
  return text.replace(/\$\$|\$\{([^}]*)(\}?)/g, (whole: string, inside: string | undefined, end: string) => {
    if (whole === '$$') return '$';
    const [, name, otherwise] = /^env:([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inside ?? '') ?? [];
    if (name === undefined || end === '') {
      throw new Unusable(
        '"${" begins nothing that is known',
        `write \${env:NAME}, or $\${ for the characters themselves`,
      );
    }
    // Set but empty counts as unset where there is a default, as in a shell.
    const value = env[name];
    if (otherwise !== undefined) return value === undefined || value === '' ? otherwise : value;
    if (value === undefined) {
      throw new Unusable(`the variable ${name} is not set`, `set it, or write \${env:${name}:-…} with a default`);
    }
    return value;
  });
}
