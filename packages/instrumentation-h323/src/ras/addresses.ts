/** Addresses and names of H.225.0: where a party is, and how it is called. */
import {
  bits,
  choice,
  closedSequence,
  enumeration,
  integer,
  list,
  nothing,
  type Of,
  objectIdentifier,
  octets,
  open,
  optional,
  sequence,
  text,
  type WithAdditions,
} from '../per/types.js';

/** H.225.0 NonStandardParameter. */
export interface NonStandardParameter {
  readonly nonStandardIdentifier:
    | { readonly name: 'object'; readonly value: string }
    | { readonly name: 'h221NonStandard'; readonly value: H221NonStandard }
    | { readonly name: `#${number}`; readonly value: Uint8Array };
  readonly data: Uint8Array;
}

/** A manufacturer as ITU-T T.35 numbers it. */
export interface H221NonStandard extends WithAdditions {
  readonly t35CountryCode: number;
  readonly t35Extension: number;
  readonly manufacturerCode: number;
}

export const h221NonStandard: Of<H221NonStandard> = sequence({
  t35CountryCode: integer(0, 255),
  t35Extension: integer(0, 255),
  manufacturerCode: integer(0, 65_535),
});

export const nonStandardParameter: Of<NonStandardParameter> = closedSequence({
  nonStandardIdentifier: choice({ object: objectIdentifier, h221NonStandard }, {}),
  data: octets(),
});

/** IPv4: four octets and a port. */
export interface IpAddress {
  readonly ip: Uint8Array;
  readonly port: number;
}

/** H.225.0 TransportAddress. */
export type TransportAddress =
  | { readonly name: 'ipAddress'; readonly value: IpAddress }
  | { readonly name: 'ip6Address'; readonly value: IpAddress & WithAdditions }
  | {
      readonly name: 'ipSourceRoute';
      readonly value: IpAddress & WithAdditions & { readonly route: readonly Uint8Array[]; readonly routing: string };
    }
  | {
      readonly name: 'ipxAddress';
      readonly value: { readonly node: Uint8Array; readonly netnum: Uint8Array; readonly port: Uint8Array };
    }
  | { readonly name: 'netBios' | 'nsap'; readonly value: Uint8Array }
  | { readonly name: 'nonStandardAddress'; readonly value: NonStandardParameter }
  | { readonly name: `#${number}`; readonly value: Uint8Array };

const port = integer(0, 65_535);

export const transportAddress: Of<TransportAddress> = choice(
  {
    ipAddress: closedSequence<IpAddress>({ ip: octets(4, 4), port }),
    ipSourceRoute: sequence<(TransportAddress & { name: 'ipSourceRoute' })['value']>({
      ip: octets(4, 4),
      port,
      route: list(octets(4, 4)),
      routing: enumeration('strict loose'),
    }),
    ipxAddress: closedSequence<(TransportAddress & { name: 'ipxAddress' })['value']>({
      node: octets(6, 6),
      netnum: octets(4, 4),
      port: octets(2, 2),
    }),
    ip6Address: sequence<IpAddress>({ ip: octets(16, 16), port }),
    netBios: octets(16, 16),
    nsap: octets(1, 20),
    nonStandardAddress: nonStandardParameter,
  },
  {},
);

/** H.225.0 AliasAddress. Party numbers and the like are kept as octets. */
export type AliasAddress =
  | { readonly name: 'dialedDigits' | 'h323-ID' | 'url-ID' | 'email-ID'; readonly value: string }
  | { readonly name: 'transportID'; readonly value: TransportAddress }
  | { readonly name: 'partyNumber' | 'mobileUIM' | 'isupNumber' | `#${number}`; readonly value: Uint8Array };

export const aliasAddress: Of<AliasAddress> = choice(
  { dialedDigits: text('digits', 1, 128), 'h323-ID': text('bmp', 1, 256) },
  {
    'url-ID': text('ia5', 1, 512),
    transportID: transportAddress,
    'email-ID': text('ia5', 1, 512),
    partyNumber: open,
    mobileUIM: open,
    isupNumber: open,
  },
);

/** H.225.0 VendorIdentifier. */
export interface VendorIdentifier extends WithAdditions {
  readonly vendor: H221NonStandard;
  readonly productId?: Uint8Array;
  readonly versionId?: Uint8Array;
  readonly enterpriseNumber?: string;
}

export const vendorIdentifier: Of<VendorIdentifier> = sequence<VendorIdentifier>(
  { vendor: h221NonStandard, productId: optional(octets(1, 256)), versionId: optional(octets(1, 256)) },
  [['enterpriseNumber', objectIdentifier]],
);

/** What an endpoint of one kind says of itself. */
export interface NodeInfo extends WithAdditions {
  readonly nonStandardData?: NonStandardParameter;
}

/** A gateway; its protocols are kept only as far as their data is absent. */
export interface GatewayInfo extends NodeInfo {
  readonly protocol?: readonly SupportedProtocol[];
}

/** What a gateway speaks: the protocol by name; what it says about it is decoded where it has an extension marker alone. */
export interface SupportedProtocol {
  readonly name: string;
  readonly value: NodeInfo | NonStandardParameter | Uint8Array;
}

/** H.225.0 EndpointType. */
export interface EndpointType extends NodeInfo {
  readonly vendor?: VendorIdentifier;
  readonly gatekeeper?: NodeInfo;
  readonly gateway?: GatewayInfo;
  readonly mcu?: NodeInfo;
  readonly terminal?: NodeInfo;
  readonly mc: boolean;
  readonly undefinedNode: boolean;
  readonly set?: Uint8Array;
}

const nonStandardData = optional(nonStandardParameter);
const nodeInfo: Of<NodeInfo> = sequence<NodeInfo>({ nonStandardData }, ['protocol']);
/** H310Caps and its like: all begin with nonStandardData, then the extension marker. */
const capabilities: Of<NodeInfo> = sequence<NodeInfo>({ nonStandardData }, ['dataRatesSupported supportedPrefixes']);

const supportedProtocol: Of<SupportedProtocol> = choice(
  {
    nonStandardData: nonStandardParameter,
    h310: capabilities,
    h320: capabilities,
    h321: capabilities,
    h322: capabilities,
    h323: capabilities,
    h324: capabilities,
    voice: capabilities,
    't120-only': capabilities,
  },
  { nonStandardProtocol: open, t38FaxAnnexbOnly: open, sip: open },
);

export const endpointType: Of<EndpointType> = sequence<EndpointType>(
  {
    nonStandardData,
    vendor: optional(vendorIdentifier),
    gatekeeper: optional(sequence<NodeInfo>({ nonStandardData })),
    gateway: optional(sequence<GatewayInfo>({ protocol: optional(list(supportedProtocol)), nonStandardData })),
    mcu: optional(nodeInfo),
    terminal: optional(sequence<NodeInfo>({ nonStandardData })),
    mc: { kind: 'boolean' },
    undefinedNode: { kind: 'boolean' },
  },
  [['set', bits(32)], 'supportedTunnelledProtocols'],
);

/** NULL alternatives, for choices that have others too. */
export function nulls(names: string): Readonly<Record<string, typeof nothing>> {
  return Object.fromEntries(names.split(' ').map((name) => [name, nothing]));
}
