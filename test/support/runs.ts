/**
 * How many random inputs a property is held against: `thorough` of them, and a fifth where `npm run check` sets TSBUILD_TEST_QUICK,
 * so that it stays under two minutes.
 */
export function runs(thorough: number): number {
  return process.env['TSBUILD_TEST_QUICK'] === '1' ? Math.ceil(thorough / 5) : thorough;
}
