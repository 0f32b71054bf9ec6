/** What the kernel's interpreter of classic BPF does with the program and a `struct seccomp_data`. */
export function interpret(program: Uint8Array, data: { number: number; architecture: number; first?: number }): number {
  const code = Buffer.from(program);
  const fields = new Map([
    [0, data.number],
    [4, data.architecture],
    [16, data.first ?? 0],
  ]);
  let accumulator = 0;
  for (let at = 0; at < code.length; at += 8) {
    const [operation, yes, no, value] = [
      code.readUInt16LE(at),
      code.readUInt8(at + 2),
      code.readUInt8(at + 3),
      code.readUInt32LE(at + 4),
    ];
    const jump = (condition: boolean): void => void (at += 8 * (condition ? yes : no));
    if (operation === 0x20) accumulator = fields.get(value) ?? Number.NaN;
    else if (operation === 0x15) jump(accumulator === value);
    else if (operation === 0x35) jump(accumulator >= value);
    else if (operation === 0x45) jump((accumulator & value) !== 0);
    else if (operation === 0x05) at += 8 * value;
    else if (operation === 0x06) return value;
    else throw new Error(`operation ${operation}`);
  }
  throw new Error('the program ran off its end');
}
