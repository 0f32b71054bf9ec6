import { describe, expect, test } from 'vitest';
import { ArrivingLayers } from '../../../../src/builder/remote/arriving-layers.js';
import { digestOf } from '../../../../src/oci/digest.js';
import type { Layer } from '../../../../src/oci/layer.js';
import { MEDIA_TYPE } from '../../../../src/oci/media-type.js';

const layerOf = (content: string): Layer => {
  const digest = digestOf(content);
  return { descriptor: { mediaType: MEDIA_TYPE.ociLayer, digest, size: content.length }, diffId: digest };
};
const first = layerOf('first');
const second = layerOf('second');

interface Fetching {
  readonly arriving: ArrivingLayers;
  readonly onFetched: (layer: Layer) => void;
  readonly end: { readonly resolve: () => void; readonly reject: (error: Error) => void };
}

function fetching(): Fetching {
  let onFetched: Fetching['onFetched'] | undefined;
  let end: Fetching['end'] | undefined;
  const arriving = new ArrivingLayers((tell) => {
    onFetched = tell;
    return new Promise((resolve, reject) => {
      end = { resolve, reject };
    });
  });
  if (onFetched === undefined || end === undefined) throw new Error('nothing is fetched');
  return { arriving, onFetched, end };
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  const turn = new Promise((resolve) => setImmediate(resolve, pending));
  return (await Promise.race([promise, turn])) !== pending;
}

describe('ArrivingLayers', () => {
  test('a layer is waited for by itself, and none twice', async () => {
    const { arriving, onFetched } = fetching();
    const waiting = arriving.arrived(second);
    onFetched(first);
    await arriving.arrived(first);
    expect(await isSettled(waiting)).toBe(false);
    onFetched(second);
    await waiting;
    await arriving.arrived(second);
  });

  test('all are here in the end, told of or not', async () => {
    const { arriving, end } = fetching();
    const waiting = [arriving.arrived(first), arriving.arrived(second), arriving.all()];
    end.resolve();
    await Promise.all(waiting);
  });

  test('who waits gets the failure; what is here stays here', async () => {
    const { arriving, onFetched, end } = fetching();
    onFetched(first);
    const waiting = arriving.arrived(second);
    end.reject(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    await arriving.arrived(first);
    await expect(arriving.all()).rejects.toThrow('gone');
  });

  test('disposing waits for the end, and passes no failure on', async () => {
    const { arriving, end } = fetching();
    const disposed = arriving[Symbol.asyncDispose]();
    expect(await isSettled(disposed)).toBe(false);
    end.reject(new Error('gone'));
    await disposed;
  });
});
