export type { CustomEvent } from './custom-event.ts'
export {
  type Emulator,
  type EmulatorOptions,
  type Fault,
  type ReceivedRequest,
  startEmulator,
} from './start-emulator.ts'
