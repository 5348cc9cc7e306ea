import 'vitest'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The alias, in the package.json of the tests, of the framework version that a project runs on. */
    framework: string
  }
}
