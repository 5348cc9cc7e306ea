// What an adapter for a framework needs beside the meter. Apps need none of it.
export { askIdentify } from './attribution/identify.ts'
// The types that these functions use
export type * from './index.ts'
export { invalid, notOptions } from './model/check-options.ts'
export { type Env, isEnabled } from './options/environment.ts'
