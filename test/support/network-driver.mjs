// Runs in a network namespace of its own, made by the caller, which stands for a host with one device, a default route, a resolver
// and two servers. Connects a private network with it and says, as JSON, what a program in there sees.
// usage: network-driver.mjs '{"directories":[...],"place":"..."}'
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { openPrivateNetwork } from '../../dist/sandbox/network/private-network.js';

const { directories, place } = JSON.parse(process.argv[2]);
const OUTSIDE = '198.51.100.5';

for (const words of [
  'link set lo up',
  `address add ${OUTSIDE}/32 dev lo`,
  'tuntap add uplink mode tap',
  'address add 192.0.2.10/24 dev uplink',
  'link set uplink up',
  'route add default via 192.0.2.1 dev uplink',
]) {
  execFileSync('ip', words.split(' '));
}
writeFileSync(join(place, 'resolv.conf'), `nameserver ${OUTSIDE}\n`);
execFileSync('mount', ['--bind', join(place, 'resolv.conf'), '/etc/resolv.conf']);

const outside = await listen(OUTSIDE, 'from outside\n');
const loopback = await listen('127.0.0.1', 'from the loopback device\n');
const resolver = createSocket('udp4', (query, { address, port }) => resolver.send(answerTo(query), port, address));
resolver.bind(53, OUTSIDE);
await once(resolver, 'listening');

const answer = {};
try {
  const network = await openPrivateNetwork({
    temporaryDirectory: place,
    signal: new AbortController().signal,
    directories,
  });
  answer.resolver = network.resolver;
  const ask = (host, { port }) => run(network, ['busybox', 'nc', '-w', '1', host, String(port)]);
  const hosts = ['127.0.0.1', '192.0.2.1', '10.0.2.2'];
  const asked = [ask(OUTSIDE, outside.address()), ...hosts.map((host) => ask(host, loopback.address()))];
  const lookup = run(network, ['busybox', 'nslookup', '-type=a', 'name.test', network.resolver]);
  [answer.outside, ...answer.loopback] = await Promise.all(asked);
  answer.name = await lookup;
  await network[Symbol.asyncDispose]();
  answer.left = [readdirSync(place), running()];
} catch (error) {
  answer.error = { code: error.code, message: error.message, hint: error.hint };
}
process.stdout.write(JSON.stringify(answer), () => process.exit());

async function listen(host, greeting) {
  const server = createServer((socket) => socket.on('error', () => undefined).once('data', () => socket.end(greeting)));
  server.listen(0, host);
  await once(server, 'listening');
  return server;
}

/** The servers are in this process, which must not wait for the program synchronously. */
async function run({ namespace }, command) {
  const words = ['--net=/proc/self/fd/3', 'timeout', '5', ...command];
  const child = spawn('nsenter', words, { stdio: ['pipe', 'pipe', 'ignore', namespace] });
  child.stdin.on('error', () => undefined).write('please\n');
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  await once(child, 'close');
  return output;
}

/** The query itself with one answer, 203.0.113.9, for addresses of version 4; without, for all else. */
function answerTo(query) {
  const isAddress = query.readUInt16BE(query.length - 4) === 1;
  const header = Buffer.from(query);
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(isAddress ? 1 : 0, 6);
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 203, 0, 113, 9]);
  return isAddress ? Buffer.concat([header, record]) : header;
}

/** Programs that were told of our folder; those that have ended do not count. */
function running() {
  const { stdout } = spawnSync('ps', ['-eo', 'stat,args'], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .filter((line) => line.includes(place) && !line.includes('network-driver') && !line.startsWith('Z'));
}
