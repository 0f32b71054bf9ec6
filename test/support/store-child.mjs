// A process of its own, over the built library: stores bytes, and says on stdout how far it is.
import { createHash } from 'node:crypto';
import { openStore } from '../../dist/store/open-store.js';

const [root, task, ...args] = process.argv.slice(2);
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const store = await openStore(root);

/** The same bytes in every process: `count` chunks of 1 MiB. */
async function* bytes(count, { thenHang = false } = {}) {
  for (let index = 0; index < count; index++) {
    yield Buffer.alloc(1 << 20, createHash('sha256').update(String(index)).digest());
    if (index === 2) say('under way');
  }
  if (thenHang) {
    say('hanging');
    setInterval(() => undefined, 1000);
    await new Promise(() => undefined);
  }
}

if (task === 'ingest') say(await store.blobs.ingest(bytes(Number(args[0]))));
if (task === 'hang') await store.blobs.ingest(bytes(Number(args[0]), { thenHang: true }));
if (task === 'add-and-wait') {
  say(await store.blobs.ingest(bytes(3)));
  setInterval(() => undefined, 1000);
}
if (task === 'fill') {
  const outcome = await store.blobs.ingest(bytes(Number(args[0]))).then(
    () => ({ code: 'none' }),
    ({ code, message, hint }) => ({ code, message, hint }),
  );
  const { readdirSync, statfsSync } = await import('node:fs');
  const { bavail, bsize } = statfsSync(root);
  say({
    ...outcome,
    blobs: readdirSync(`${root}/blobs/sha256`),
    unfinished: readdirSync(store.temporaryDirectory),
    free: bavail * bsize,
  });
}
if (task === 'place') {
  const { checkSnapshotPlace } = await import('../../dist/store/file-system.js');
  const outcome = async (execution) =>
    await checkSnapshotPlace(store, { attributes: false, execution }).then(
      () => 'fits',
      ({ message }) => message,
    );
  say([await outcome(false), await outcome(true)]);
}
if (task === 'read-only') {
  const refused = await store.blobs.ingest(bytes(1)).catch(({ code, message }) => ({ code, message }));
  say({ images: (await store.images.list()).length, ...refused });
}
