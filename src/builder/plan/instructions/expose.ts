import { isIP } from 'node:net';
import type { ExposeInstruction } from '../../../parser/instruction.js';
import { TsbuildError } from '../../../support/errors.js';
import { formatGoList } from '../go-format.js';
import type { InstructionContext } from '../instruction-context.js';

/**
 * The words come sorted as they are written, before variables are expanded; BuildKit's history shows this order.
 * @throws `DOCKERFILE_SEMANTICS`
 */
export function applyExpose(
  { ports, source }: ExposeInstruction,
  { draft, checks, expandWords }: InstructionContext,
): void {
  const written = ports.flatMap(expandWords);
  const exposed = written.flatMap((port) => {
    const parsed = parsePorts(port);
    if (typeof parsed !== 'string') {
      checks.exposedPort(port);
      return parsed;
    }
    throw new TsbuildError('DOCKERFILE_SEMANTICS', `cannot expose port "${port}": ${parsed}`, {
      hint: 'Write a port or a range, and a protocol if it is not tcp: 8080, 8000-8010, 53/udp.',
      source,
      details: { word: port },
    });
  });
  for (const port of exposed) draft.config.exposedPorts.add(port);
  draft.recordEmpty(`EXPOSE ${formatGoList(exposed)}`);
}

const PROTOCOLS: ReadonlySet<string> = new Set(['tcp', 'udp', 'sctp']);

/**
 * The ports of `[[address:]host port:]port[-last][/protocol]`, each as `port/protocol`; or what is wrong with it. Only the last
 * part counts: publishing is the business of who runs the image.
 */
export function parsePorts(text: string): readonly string[] | string {
  const parts = text.split(':');
  const [range = '', protocol = ''] = splitOnce(parts.at(-1) ?? '', '/');
  const name = protocol === '' ? 'tcp' : protocol.toLowerCase();
  if (range === '') return 'there is no port in it';
  if (!PROTOCOLS.has(name)) return `"${protocol}" is no protocol`;
  const ports = parseRange(range);
  if (ports === undefined) return `"${range}" is no port from 0 to 65535, and no range of them`;
  const { first, last } = ports;
  const mistake = checkPublishing(parts.slice(0, -1), ports);
  return mistake ?? Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${name}`);
}

/** What is wrong with the address and the host port, which are read as Docker reads them and then have no effect. */
function checkPublishing(parts: readonly string[], ports: PortRange): string | undefined {
  const address = parts
    .slice(0, -1)
    .join(':')
    .replace(/^\[(.*)\]$/, '$1');
  if (address !== '' && isIP(address) === 0) return `"${address}" is no address`;
  const host = parts.at(-1) ?? '';
  return host === '' || isHostRange(host, ports) ? undefined : `"${host}" is no host port for it`;
}

interface PortRange {
  readonly first: number;
  readonly last: number;
}

function parseRange(text: string): PortRange | undefined {
  const match = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first <= last && last <= 65_535 ? { first, last } : undefined;
}

/** One container port may take its host port out of a range; otherwise the two are equally long. */
function isHostRange(text: string, ports: PortRange): boolean {
  const host = parseRange(text);
  return host !== undefined && (ports.first === ports.last || host.last - host.first === ports.last - ports.first);
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
