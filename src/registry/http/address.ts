import { BlockList, isIP } from 'node:net';

/** The host of a URL or registry name without the brackets of IPv6. */
export function bareHost(host: string): string {
  return host.startsWith('[') ? host.slice(1, host.indexOf(']')) : host;
}

/** `host[:port]` taken apart; IPv6 addresses are in brackets. */
export function splitHostPort(text: string): { readonly host: string; readonly port: string | undefined } {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(text);
  return match === null ? { host: text, port: undefined } : { host: bareHost(match[1] ?? ''), port: match[2] };
}

const loopback = rangesOf(['127.0.0.0/8', '::1/128']);
// Carrier-grade NAT is in: cloud metadata services live there and at 169.254.169.254.
const local = rangesOf([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::/127',
  'fc00::/7',
  'fe80::/10',
]);

/** RFC 6761 §6.3 reserves `localhost` and all below it. No name is looked up. */
export function isLoopback(host: string): boolean {
  const bare = bareHost(host).toLowerCase();
  return bare === 'localhost' || bare.endsWith('.localhost') || inRanges(loopback, bare);
}

/** Whether `host` is written as an address, or as `localhost`, that only machines nearby can reach. */
export function isLocalAddress(host: string): boolean {
  const bare = bareHost(host);
  return isLoopback(bare) || inRanges(local, bare);
}

/** Whether an address, given as text, lies in a range such as `10.0.0.0/8`. Neither being one is no error. */
export function isInRange(host: string, range: string): boolean {
  const list = new BlockList();
  return addRange(list, range) && inRanges(list, bareHost(host));
}

function rangesOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) addRange(list, range);
  return list;
}

function addRange(list: BlockList, range: string): boolean {
  const [address = '', length] = range.split('/');
  const family = isIP(address);
  const bits = Number(length);
  if (family === 0 || length === undefined || !/^\d{1,3}$/.test(length) || bits > (family === 4 ? 32 : 128))
    return false;
  list.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6');
  return true;
}

function inRanges(list: BlockList, address: string): boolean {
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6');
}
