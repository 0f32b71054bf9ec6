#!/usr/bin/env node
'use strict';
// Starts the bundled command line from V8's code cache, which saves a third of the start-up time.
// The cache lies beside the bundle when that folder may be written, else it is left out: an installation by root stays as it is.
const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');
const file = path.join(__dirname, 'main.js');
// A cache holds the functions that one run called. Builds share little with the rest, and their start is the one that is felt.
const others =
  'cache-mount check completion copy df executor explain fsck help history images info inspect load login logout prune pull push rmi run save tag version bootstrap graph --help --version --call --check';
const kind = process.argv.slice(2).some((word) => others.split(' ').includes(word)) ? 'other' : 'build';
// V8 takes a cache for any source of the same length: the bundle's digest, put in by the build, keeps them apart.
const cacheFile = `${file}.BUNDLE_DIGEST.${process.version}-${process.arch}.${kind}.cache`;
// esbuild writes ASCII: the cheapest decoding will do.
const source = fs.readFileSync(file, 'latin1');
let cachedData;
try {
  cachedData = fs.readFileSync(cacheFile);
} catch {
  cachedData = undefined;
}
const parameters = 'exports,require,module,__filename,__dirname,importModule';
const script = new vm.Script(`(function(${parameters}){${source}\n})`, { filename: file, cachedData });
const usable = cachedData !== undefined && !script.cachedDataRejected;
const module_ = { exports: {} };
script.runInThisContext()(module_.exports, require, module_, file, __dirname, (name) => import(name));
process.once('exit', (code) => {
  // A cache is read as a whole. Of builds it is made of one that found everything in its own cache: what runs a step, all of which
  // needs a native module, is felt as little as the compiling of what that calls, and would make the cache twice as large.
  if (kind === 'build' && Object.keys(require.cache).some((name) => name.endsWith('.node'))) return;
  // The cache has the functions that were called before it was made. One made by `--version` does little for others: a command
  // that took its time looks whether it has many more, and replaces it.
  const worthLooking = !usable || process.uptime() > 0.4;
  if (code === 0 && worthLooking) saveCache();
});

function saveCache() {
  const temporary = `${cacheFile}.${process.pid}`;
  try {
    fs.accessSync(__dirname, fs.constants.W_OK);
    const data = script.createCachedData();
    if (usable && data.length < cachedData.length * 1.2) return;
    fs.writeFileSync(temporary, data, { flag: 'wx' });
    fs.renameSync(temporary, cacheFile);
  } catch {
    // The folder is read-only, or the disk is full: start without the cache next time too.
    fs.rmSync(temporary, { force: true });
  }
}
