/** Who records: the instrumentation scope, as rate cards know it, and the component of every span. */

/** Name and version of the instrumentation scope. */
export const SIP_SCOPE: { readonly name: string; readonly version: string } = {
  name: '@infrafabric/instrumentation-sip',
  version: '0.1.0',
};

/** `witness.component` of every span. */
export const SIP_COMPONENT = 'IF.witness.sip';
