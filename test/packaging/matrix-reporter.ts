import { writeFileSync } from 'node:fs'
import { env } from 'node:process'
import type { Reporter, TestModule } from 'vitest/node'

/** What one project of vitest did on one version of Node. */
export interface ProjectResult {
  passed: number
  skipped: number
  /** Titles of what failed: tests, or files that could not be loaded. */
  failed: string[]
}

/** Writes the results of each project as JSON to the file that MATRIX_RESULTS names. */
export default class MatrixReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly { message?: string }[]): void {
    const results: Record<string, ProjectResult> = {}
    for (const module of modules) {
      const { name } = module.project
      results[name] ??= { passed: 0, skipped: 0, failed: [] }
      const result = results[name]
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'failed') result.failed.push(`${module.relativeModuleId} > ${test.fullName}`)
        else result[state === 'passed' ? 'passed' : 'skipped']++
      }
      for (const error of module.errors()) result.failed.push(`${module.relativeModuleId}: ${error.message}`)
    }
    if (unhandled.length > 0) {
      results.unhandled = { passed: 0, skipped: 0, failed: unhandled.map(({ message = '?' }) => message) }
    }
    writeFileSync(env.MATRIX_RESULTS as string, JSON.stringify(results))
  }
}
