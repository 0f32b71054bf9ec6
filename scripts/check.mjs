// `npm run check [-- --without GATE]`: every gate a commit must pass, in two lanes side by side. Each gate's output comes
// whole, with its time.
import { spawn } from 'node:child_process';

const [option, without] = process.argv.slice(2);
if (option !== undefined && (option !== '--without' || without === undefined)) {
  console.error(`cannot use "${option}": the one option is --without GATE`);
  process.exit(2);
}
const lanes = [
  ['typecheck', 'lint', 'format:check', 'arch', 'unused'],
  ['build', 'pkg', 'test:fast'],
];
// It costs every Node process some 40 ms.
const { NODE_EXTRA_CA_CERTS: _, ...inherited } = process.env;
// `npm test` looks at more random inputs.
const env = { ...inherited, TSBUILD_TEST_QUICK: '1' };

function run(gate) {
  const started = performance.now();
  const child = spawn('npm', ['run', '--silent', gate], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => chunks.push(chunk));
  return new Promise((resolve) => {
    child.once('close', (status) => {
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      if (status !== 0) process.stdout.write(Buffer.concat(chunks));
      console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${gate} ${seconds} s`);
      resolve(status === 0);
    });
  });
}

async function runLane(gates) {
  let passed = true;
  for (const gate of gates) passed = (await run(gate)) && passed;
  return passed;
}

const results = await Promise.all(lanes.map((gates) => runLane(gates.filter((gate) => gate !== without))));
process.exit(results.every(Boolean) ? 0 : 1);
