import { spawn } from 'node:child_process';
import { readdirSync, writeSync } from 'node:fs';
import { Writable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { OutputPipes } from '../../../../src/sandbox/streams/output-pipes.js';

class Sink {
  readonly chunks: Buffer[] = [];
  readonly stream: Writable;
  constructor(write?: (done: (error?: Error) => void) => void) {
    this.stream = new Writable({
      highWaterMark: 1000,
      write: (chunk: Buffer, _, done) => {
        this.chunks.push(chunk);
        if (write === undefined) done();
        else write(done);
      },
    });
  }
  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }
}

const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

test('both outputs arrive where they belong, and the sinks stay open', async () => {
  const [out, err] = [new Sink(), new Sink()];
  const pipes = new OutputPipes({ stdout: out.stream, stderr: err.stream });
  writeSync(pipes.stdout, 'one');
  writeSync(pipes.stderr, 'two');
  pipes.closeWriters();
  await pipes.finished;
  pipes[Symbol.dispose]();
  expect([out.text, err.text]).toEqual(['one', 'two']);
  expect(out.stream.writable && err.stream.writable).toBe(true);
});

test('one sink gets one pipe', async () => {
  const sink = new Sink();
  const pipes = new OutputPipes({ stdout: sink.stream, stderr: sink.stream });
  expect(pipes.stdout).toBe(pipes.stderr);
  pipes.closeWriters();
  await pipes.finished;
  pipes[Symbol.dispose]();
});

test('a slow sink makes the writer wait, and gets everything', async () => {
  const sink = new Sink((done) => void setTimeout(1).then(() => done()));
  const pipes = new OutputPipes({ stdout: sink.stream, stderr: sink.stream });
  spawn('/bin/sh', ['-c', 'head -c 2000000 /dev/zero'], { stdio: ['ignore', pipes.stdout, 'ignore'] });
  pipes.closeWriters();
  await pipes.finished;
  expect(sink.chunks.reduce((sum, { length }) => sum + length, 0)).toBe(2_000_000);
  pipes[Symbol.dispose]();
});

test.each([
  ['fails', (sink: Sink) => sink.stream.destroy(new Error('disk full')), 'disk full'],
  ['is closed', (sink: Sink) => sink.stream.destroy(), 'nowhere to write to'],
])('when a sink %s that is told', async (_, break_, message) => {
  const sink = new Sink();
  sink.stream.on('error', () => undefined);
  const pipes = new OutputPipes({ stdout: sink.stream, stderr: sink.stream });
  break_(sink);
  writeSync(pipes.stdout, 'lost');
  pipes.closeWriters();
  await expect(pipes.finished).rejects.toThrow(message);
  pipes[Symbol.dispose]();
});

test('many steps leave no listeners on a sink, and no descriptors', async () => {
  const sink = new Sink();
  const count = (): number => sink.stream.eventNames().reduce((sum, name) => sum + sink.stream.listenerCount(name), 0);
  const [before, descriptors] = [count(), openDescriptors()];
  for (let step = 0; step < 20; step += 1) {
    const pipes = new OutputPipes({ stdout: sink.stream, stderr: sink.stream });
    writeSync(pipes.stdout, 'x');
    pipes.closeWriters();
    await pipes.finished;
    pipes[Symbol.dispose]();
  }
  await expect.poll(openDescriptors).toBe(descriptors);
  expect(count()).toBe(before);
  expect(sink.text).toBe('x'.repeat(20));
});
