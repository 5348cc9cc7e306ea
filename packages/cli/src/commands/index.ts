import type { CliCommand } from '../command.ts'
import { doctor } from './doctor.ts'
import { emulator } from './emulator.ts'
import { status } from './status.ts'

/** All commands, in the order of the help. */
export const commands: readonly CliCommand[] = [status, doctor, emulator]
