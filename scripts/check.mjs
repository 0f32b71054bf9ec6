// `npm run check`: every gate a commit must pass, each timed, the first failure ends it.
import { spawnSync } from 'node:child_process';

const gates = ['typecheck', 'lint', 'format:check', 'arch', 'build', 'unused', 'pkg', 'test:fast'];
const env = { ...process.env };
delete env.NODE_EXTRA_CA_CERTS;
for (const gate of gates) {
  const started = performance.now();
  const { status } = spawnSync('npm', ['run', '--silent', gate], { stdio: 'inherit', env });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${gate} ${seconds} s`);
  if (status !== 0) process.exit(status ?? 1);
}
