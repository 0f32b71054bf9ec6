// SHA-256 (FIPS 180-4, section 6.2) of one message that lies in memory.

const BLOCK: u32 = 64;
/** Bytes of a word. */
const WORD: u32 = 4;
/** A bit that is set, and the length in eight bytes. */
const PADDING: u32 = 9;
const MESSAGE_SIZE: u32 = 32768;

/** Where everything is in memory: the round constants, the words of a block, the digest, the message with its padding. */
// prettier-ignore
const K = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);
const SCHEDULE = memory.data(256, 16);
const DIGEST = memory.data(32, 16);
const MESSAGE = memory.data(32768 + 128, 16);

let h0: u32 = 0;
let h1: u32 = 0;
let h2: u32 = 0;
let h3: u32 = 0;
let h4: u32 = 0;
let h5: u32 = 0;
let h6: u32 = 0;
let h7: u32 = 0;

export function messageStart(): u32 {
  return MESSAGE as u32;
}

/** Bytes that there is room for. */
export function messageSize(): u32 {
  return MESSAGE_SIZE;
}

/** The digest of the message of `size` bytes. @returns where its 32 bytes are */
export function digest(size: u32): u32 {
  const end = pad(size);
  start();
  for (let block = MESSAGE as u32; block < end; block += BLOCK) compress(block);
  finish(DIGEST as u32);
  return DIGEST as u32;
}

/** Section 5.1.1. @returns the end of the last block */
function pad(size: u32): u32 {
  const message = MESSAGE as u32;
  const end = message + ((size + PADDING + BLOCK - 1) & ~(BLOCK - 1));
  memory.fill(message + size, 0, end - message - size);
  store<u8>(message + size, 0x80);
  store<u64>(end - 8, bswap<u64>((size as u64) << 3));
  return end;
}

/** Section 5.3.3. */
function start(): void {
  h0 = 0x6a09e667;
  h1 = 0xbb67ae85;
  h2 = 0x3c6ef372;
  h3 = 0xa54ff53a;
  h4 = 0x510e527f;
  h5 = 0x9b05688c;
  h6 = 0x1f83d9ab;
  h7 = 0x5be0cd19;
}

function finish(at: u32): void {
  store<u32>(at, bswap<u32>(h0), 0);
  store<u32>(at, bswap<u32>(h1), 4);
  store<u32>(at, bswap<u32>(h2), 8);
  store<u32>(at, bswap<u32>(h3), 12);
  store<u32>(at, bswap<u32>(h4), 16);
  store<u32>(at, bswap<u32>(h5), 20);
  store<u32>(at, bswap<u32>(h6), 24);
  store<u32>(at, bswap<u32>(h7), 28);
}

/** Section 6.2.2, step 1. */
function schedule(block: u32): void {
  const words = SCHEDULE as u32;
  for (let at: u32 = 0; at < BLOCK; at += WORD) store<u32>(words + at, bswap<u32>(load<u32>(block + at)));
  for (let at: u32 = words + BLOCK; at < words + 4 * BLOCK; at += WORD) {
    const a = load<u32>(at - 15 * WORD);
    const b = load<u32>(at - 2 * WORD);
    const s0 = rotr<u32>(a, 7) ^ rotr<u32>(a, 18) ^ (a >> 3);
    const s1 = rotr<u32>(b, 17) ^ rotr<u32>(b, 19) ^ (b >> 10);
    store<u32>(at, load<u32>(at - 16 * WORD) + s0 + load<u32>(at - 7 * WORD) + s1);
  }
}

/** Steps 2 to 4. */
function compress(block: u32): void {
  schedule(block);
  let a = h0;
  let b = h1;
  let c = h2;
  let d = h3;
  let e = h4;
  let f = h5;
  let g = h6;
  let h = h7;
  for (let at: u32 = 0; at < 4 * BLOCK; at += WORD) {
    const s1 = rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25);
    const choice = (e & f) ^ (~e & g);
    const t1 = h + s1 + choice + load<u32>((K as u32) + at) + load<u32>((SCHEDULE as u32) + at);
    const s0 = rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + s0 + majority;
  }
  h0 += a;
  h1 += b;
  h2 += c;
  h3 += d;
  h4 += e;
  h5 += f;
  h6 += g;
  h7 += h;
}
