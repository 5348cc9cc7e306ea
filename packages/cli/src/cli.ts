import { lowerPriority } from './low-priority.ts'
import { runProgram } from './program.ts'

// A reader such as `head` closes the pipe when it has enough. That is no failure of the command.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

// The emulator is a service itself.
if (process.argv[2] !== 'emulator') lowerPriority()

process.exitCode = await runProgram(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  now: Date.now,
})
