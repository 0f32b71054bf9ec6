#!/usr/bin/env node
'use strict';
// Starts a program of the bundle. The code lies in packs, files of chunks that are loaded one by one when they are needed, each pack
// with a code cache of V8: the functions that earlier runs have called, compiled.
const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');

// Put in by the build: of each pack the digest of its text and the number of its chunks; the chunk to begin with; the modules of Node
// that are used; and what all packs of this bundle begin with.
const PACKS = JSON.parse('PACK_TABLE');
const FIRST = 'FIRST_CHUNK';
const NODE_MODULES = 'BUILTINS';
const MARK = 'BUNDLE_MARK';

/** A chunk's code is collected from so many runs: no run calls all of it. */
const ENOUGH_RUNS = 3;

/** Caches in the user's folder are made anew once a month: nobody else would remove those of versions that are gone. */
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;

const modules = new Map();
const packs = new Map();
let url;
const bundle = {
  load,
  loadLater: async (chunk) => load(chunk),
  // Node knows no import() in a script that comes from V8's cache.
  importFile: (name) => import(name),
  folder: __dirname,
  node: lazyModules(NODE_MODULES.split(' ')),
  get url() {
    return (url ??= require('node:url').pathToFileURL(__filename).href);
  },
};

/** An object whose members become what they are when they are first asked for. */
function lazyModules(names) {
  const lazy = {};
  for (const name of names) {
    const get = () => {
      const value = require(`node:${name}`);
      Object.defineProperty(lazy, name, { value });
      return value;
    };
    Object.defineProperty(lazy, name, { get, configurable: true, enumerable: true });
  }
  return lazy;
}

/** What the chunk `pack/number` exports. In a circle it is what there is so far, as in CommonJS. */
function load(chunk) {
  const known = modules.get(chunk);
  if (known !== undefined) return known.exports;
  const [name, number] = chunk.split('/');
  let pack = packs.get(name);
  if (pack === undefined) packs.set(name, (pack = openPack(name)));
  const module_ = { exports: {} };
  modules.set(chunk, module_);
  pack.used[number] = 1;
  pack.chunks[number](module_, module_.exports);
  return module_.exports;
}

function openPack(name) {
  const { digest, size } = PACKS[name];
  // V8 takes a cache for any source of the same length: the digest keeps them apart.
  const cacheName = `${name}.${digest}.${process.version}-${process.arch}${flagsTag()}.cache`;
  const cache = readCache(cacheName, size);
  const filename = path.join(__dirname, `${name}.js`);
  // esbuild writes ASCII: the cheapest decoding will do.
  const source = fs.readFileSync(filename).latin1Slice();
  // Chunks of another bundle have other numbers.
  if (!source.startsWith(MARK))
    throw new Error('this installation of tsbuild was replaced while it ran: start it again');
  const script = new vm.Script(source, { filename, cachedData: cache?.code });
  const runs = cache === undefined || script.cachedDataRejected ? new Uint8Array(size) : cache.runs;
  const chunks = script.runInThisContext()(bundle, require);
  return { chunks, used: new Uint8Array(size), runs, script, cacheName };
}

/** V8 refuses what was compiled under other flags, such as `--max-old-space-size` in NODE_OPTIONS. */
function flagsTag() {
  if (process.execArgv.length === 0 && !process.env.NODE_OPTIONS) return '';
  return `.${require('node:v8').cachedDataVersionTag().toString(16)}`;
}

/** A cache ends with a byte for each chunk: how many of the runs that it was collected from had used that chunk. */
function readCache(name, size) {
  for (const folder of cacheFolders()) {
    const data = readTrusted(path.join(folder.path, name), folder);
    if (data === undefined || data.length <= size) continue;
    const end = data.length - size;
    return { code: data.subarray(0, end), runs: data.subarray(end) };
  }
  return undefined;
}

/** Code is not taken from what somebody else could have written: under sudo, the home may be another user's. */
function readTrusted(file, { isOwn }) {
  let descriptor;
  try {
    descriptor = fs.openSync(file, 'r');
    if (isOwn && !isMine(fs.fstatSync(descriptor))) return undefined;
    return fs.readFileSync(descriptor);
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) fs.closeSync(descriptor);
  }
}

function isMine({ uid, mode }) {
  return uid === process.geteuid() && (mode & 0o022) === 0;
}

let folders;

/** Where caches lie: beside the packs. Where that folder is not to be written to, one of the user's comes first. */
function cacheFolders() {
  if (folders !== undefined) return folders;
  const beside = { path: __dirname, isOwn: false };
  const own = isWritable(__dirname) ? undefined : ownFolder();
  return (folders = own === undefined ? [beside] : [{ path: own, isOwn: true }, beside]);
}

function isWritable(folder) {
  try {
    fs.accessSync(folder, fs.constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function ownFolder() {
  const { XDG_CACHE_HOME: caches = '', HOME: home = '' } = process.env;
  if (path.isAbsolute(caches)) return path.join(caches, 'tsbuild');
  return path.isAbsolute(home) ? path.join(home, '.cache', 'tsbuild') : undefined;
}

process.on('exit', () => {
  for (const pack of packs.values()) {
    if (pack.used.some((used, chunk) => used > 0 && pack.runs[chunk] < ENOUGH_RUNS)) saveCache(pack);
  }
});

function saveCache({ script, used, runs, cacheName }) {
  const [folder] = cacheFolders();
  const temporary = path.join(folder.path, `${cacheName}.${process.pid}`);
  try {
    if (folder.isOwn) prepareOwn(folder.path, Date.now());
    const collected = runs.map((count, chunk) => Math.min(count + used[chunk], ENOUGH_RUNS));
    const data = Buffer.concat([script.createCachedData(), collected]);
    writeDurably(temporary, data);
    fs.renameSync(temporary, path.join(folder.path, cacheName));
  } catch {
    // The folder is not to be written to, or the disk is full: start without the cache next time too.
    removeIfPossible(temporary);
  }
}

function removeIfPossible(file) {
  try {
    fs.rmSync(file, { force: true });
  } catch {
    // Where it cannot be removed, it could not be made.
  }
}

/** V8 looks at the length and not at the bytes, and ends the process over those that it cannot read: none may be lost to a power cut. */
function writeDurably(file, data) {
  const descriptor = fs.openSync(file, 'wx', 0o644);
  try {
    fs.writeFileSync(descriptor, data);
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Makes the folder where it would be the user's, and removes what versions before this one may have left in it. */
function prepareOwn(folder, now) {
  let existing = folder;
  while (!fs.existsSync(existing)) existing = path.dirname(existing);
  if (!isMine(fs.statSync(existing))) throw new Error('somebody else could write there');
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of fs.readdirSync(folder)) {
    const file = path.join(folder, name);
    if (now - fs.statSync(file).mtimeMs > KEPT_MS) fs.rmSync(file, { force: true });
  }
}

load(FIRST);
