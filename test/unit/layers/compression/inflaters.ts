import { compileInflate } from '../../../../src/layers/compression/inflate/inflate-module.js';
import { WasmInflater } from '../../../../src/layers/compression/inflate/wasm-inflater.js';
import { ZlibInflater } from '../../../../src/layers/compression/inflate/zlib-inflater.js';

/** As it was built: the module is compiled into dist/ alone. */
const built = new URL('../../../../dist/layers/compression/inflate/inflate.wasm', import.meta.url);
const open = compileInflate(built);

export function wasmInflater(): WasmInflater {
  if (open === undefined) throw new Error(`${built.pathname} is not there: npm run build`);
  return new WasmInflater(open());
}

export function zlibInflater(): ZlibInflater {
  const inflater = ZlibInflater.open();
  if (inflater === undefined) throw new Error('this Node has another zlib');
  return inflater;
}
