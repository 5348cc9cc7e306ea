/** The first and the last minor version of each major one. Those between differ least. */
const ends = [
  'express-4.17',
  'express-4.22',
  'express-5.0',
  'express-5.3',
  'koa-2.13',
  'koa-2.16',
  'koa-3.0',
  'koa-3.3',
]

/** Returns how many foreign shapes a version is tried with. 10,000 of them take up to 50 s on one version. */
export function shapesFor(framework: string): number {
  if (process.env.SOAK) return 10_000
  if (process.env.CI === undefined) return 500
  return ends.includes(framework) ? 3_000 : 1_000
}
