import type { TarEntry } from '../tar-entry.js';
import { zeros } from './sparse.js';
import { TarParser, type TarEvent, type TarLimits } from './tar-parser.js';

export interface TarItem {
  readonly entry: TarEntry;
  /**
   * The content of a file; nothing for other types. Read it at most once, before the next item is asked for; what is left of it
   * then is passed over. A chunk is valid until the next is asked for.
   */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * The entries of a tar archive that is not compressed, in order. Who unpacks many small files takes `TarParser` itself.
 * @throws `LAYER_INVALID` when it is malformed, cut off, or beyond the limits of names, extended headers and entries
 */
export async function* readTar(
  source: AsyncIterable<Uint8Array>,
  limits: TarLimits = {},
): AsyncGenerator<TarItem, void, undefined> {
  const events = parse(source, new TarParser(limits));
  try {
    for (let event = await events.next(); event.done !== true; event = await events.next()) {
      if (event.value.kind !== 'entry') continue;
      const { entry } = event.value;
      const content = entry.type === 'file' ? contentOf(events) : NOTHING;
      // Without a return(): a reader that stops early would end the whole archive.
      yield { entry, body: { [Symbol.asyncIterator]: () => ({ next: () => content.next() }) } };
      while ((await content.next()).done !== true);
    }
  } finally {
    await events.return();
  }
}

const NOTHING: AsyncIterator<Uint8Array> = { next: () => Promise.resolve({ done: true, value: undefined }) };

async function* parse(source: AsyncIterable<Uint8Array>, parser: TarParser): AsyncGenerator<TarEvent, void, undefined> {
  for await (const chunk of source) yield* parser.push(chunk);
  parser.finish();
}

async function* contentOf(events: AsyncIterator<TarEvent, void>): AsyncGenerator<Uint8Array, void, undefined> {
  for (let event = await events.next(); event.done !== true; event = await events.next()) {
    if (event.value.kind === 'content') yield event.value.bytes;
    else if (event.value.kind === 'hole') yield* zeros(event.value.size);
    else return;
  }
}
