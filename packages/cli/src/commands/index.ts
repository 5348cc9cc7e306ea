import type { CliCommand } from '../command.ts'
import { audit } from './audit.ts'
import { backfill } from './backfill.ts'
import { budget } from './budget.ts'
import { discard, redeliver } from './change-rejected.ts'
import { doctor } from './doctor.ts'
import { emulator } from './emulator.ts'
import { endpoints } from './endpoints.ts'
import { events } from './events.ts'
import { exportCommand } from './export.ts'
import { init } from './init.ts'
import { preview } from './preview.ts'
import { rejected } from './rejected.ts'
import { status } from './status.ts'

/** All commands, in the order of the help. */
export const commands: readonly CliCommand[] = [
  status,
  init,
  doctor,
  preview,
  events,
  rejected,
  redeliver,
  discard,
  endpoints,
  audit,
  budget,
  exportCommand,
  backfill,
  emulator,
]
