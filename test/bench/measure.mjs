// `node measure.mjs FILE PROGRAM WORD...` runs a program and writes what it took, all processes that it started included.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** Milliseconds between two looks. The peak of the first process is the kernel's own; a short one of a child may be missed. */
const INTERVAL = 20;
/** Of every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

const [file, program, ...words] = process.argv.slice(2);
const started = process.hrtime.bigint();
const child = spawn(program, words, { stdio: 'inherit' });
const taken = { rss: 0, cpu: 0 };

function look() {
  try {
    const all = descendants(child.pid);
    const peak = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'latin1'))?.[1] ?? 0);
    taken.rss = Math.max(
      taken.rss,
      peak,
      all.map(residentKilobytes).reduce((sum, kilobytes) => sum + kilobytes, 0),
    );
    taken.cpu = Math.max(
      taken.cpu,
      all.map(milliseconds).reduce((sum, spent) => sum + spent, 0),
    );
  } catch {
    // It ended while it was looked at.
  }
}

function descendants(pid) {
  const threads = readdirSync(`/proc/${pid}/task`);
  const children = threads.flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ').filter(Boolean),
  );
  return [pid, ...children.flatMap(descendants)];
}

function residentKilobytes(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0);
}

/** Of the process and of its children that have ended (proc_pid_stat(5)). */
function milliseconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return (ticks * 1000) / TICKS_PER_SECOND;
}

const timer = setInterval(look, INTERVAL);
child.on('error', (error) => {
  process.stderr.write(`${program}: ${error.message}\n`);
  process.exit(127);
});
child.on('exit', (code, signal) => {
  clearInterval(timer);
  const elapsed = Number(process.hrtime.bigint() - started) / 1e6;
  writeFileSync(file, JSON.stringify({ milliseconds: elapsed, kilobytes: taken.rss, cpu: taken.cpu }));
  process.exitCode = signal === null ? code : 128;
});
