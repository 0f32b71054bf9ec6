import { isIPv4, isIPv6 } from 'node:net';
import { shown, toText, ValueError, type Value } from '../value.js';
import { fixed, text, variadic, wholeNumber, type Functions } from './signature.js';

/** A network: its first address as a number, and how many of its bits name it. */
interface Network {
  readonly bits: 32 | 128;
  readonly base: bigint;
  readonly prefix: number;
}

export const ADDRESS_FUNCTIONS: Functions = {
  cidrhost: fixed(2, (network, number) => hostOf(parseNetwork(text(network)), BigInt(wholeNumber(number)))),
  cidrnetmask: fixed(1, (value) => {
    const network = parseNetwork(text(value));
    if (network.bits === 128) throw new ValueError('netmasks are of IPv4');
    return formatAddress((1n << 32n) - (1n << BigInt(32 - network.prefix)), 32);
  }),
  cidrsubnet: fixed(3, (network, bits, number) =>
    subnetOf(parseNetwork(text(network)), wholeNumber(bits), BigInt(wholeNumber(number))),
  ),
  cidrsubnets: variadic(1, ([network, ...bits]) => subnetsOf(parseNetwork(text(network)), bits.map(wholeNumber))),
};

function parseNetwork(value: string): Network {
  const [address = '', prefixText = '', more] = value.split('/');
  const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : undefined;
  const prefix = /^\d{1,3}$/.test(prefixText) ? Number(prefixText) : 129;
  if (bits === undefined || more !== undefined || prefix > bits) {
    throw new ValueError(`${shown(value)} is no network`, 'Write it as 10.0.0.0/8.');
  }
  const host = BigInt(bits - prefix);
  return { bits, prefix, base: (numberOf(address, bits) >> host) << host };
}

function numberOf(address: string, bits: 32 | 128): bigint {
  if (bits === 32) return address.split('.').reduce((sum, part) => (sum << 8n) + BigInt(part), 0n);
  const whole = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [head = '', tail] = whole.split('::');
  const words = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [first, last] = [words(head), words(tail ?? '')];
  const all = [...first, ...Array<string>(tail === undefined ? 0 : 8 - first.length - last.length).fill('0'), ...last];
  return all.reduce((sum, part) => (sum << 16n) + BigInt(`0x${part}`), 0n);
}

function formatAddress(number: bigint, bits: 32 | 128): string {
  if (bits === 32) return [24n, 16n, 8n, 0n].map((shift) => String((number >> shift) & 255n)).join('.');
  const words = Array.from({ length: 8 }, (_, index) => ((number >> BigInt(112 - 16 * index)) & 0xffffn).toString(16));
  return shortened(words);
}

/** RFC 5952, 4.2: the longest run of zeros, of two words at least. */
function shortened(words: readonly string[]): string {
  const runs = words.map((_, start) => {
    const end = words.findIndex((word, index) => index >= start && word !== '0');
    return { start, length: (end < 0 ? words.length : end) - start };
  });
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), { start: 0, length: 1 });
  if (longest.length < 2) return words.join(':');
  return `${words.slice(0, longest.start).join(':')}::${words.slice(longest.start + longest.length).join(':')}`;
}

function hostOf({ base, bits, prefix }: Network, number: bigint): Value {
  const size = 1n << BigInt(bits - prefix);
  const offset = number < 0n ? size + number : number;
  if (offset >= 0n && offset < size) return formatAddress(base + offset, bits);
  throw new ValueError(`a network of prefix ${prefix} has no host ${number}`);
}

function subnetOf({ base, bits, prefix }: Network, more: number, number: bigint): Value {
  const longer = prefix + more;
  if (more < 0 || longer > bits) throw new ValueError(`a prefix of ${prefix} cannot be longer by ${more}`);
  if (number < 0n || number >= 1n << BigInt(more)) throw new ValueError(`${more} bits have no number ${number}`);
  return `${formatAddress(base + (number << BigInt(bits - longer)), bits)}/${longer}`;
}

function subnetsOf(network: Network, lengths: readonly number[]): Value {
  const { bits, prefix } = network;
  let next = network.base;
  const end = network.base + (1n << BigInt(bits - prefix));
  return lengths.map((more) => {
    const longer = prefix + more;
    if (more < 0 || longer > bits) throw new ValueError(`a prefix of ${prefix} cannot be longer by ${more}`);
    const size = 1n << BigInt(bits - longer);
    const start = ((next + size - 1n) / size) * size;
    next = start + size;
    if (next > end) throw new ValueError(`${toText(prefix)} bits have no room for so many networks`);
    return `${formatAddress(start, bits)}/${longer}`;
  });
}
