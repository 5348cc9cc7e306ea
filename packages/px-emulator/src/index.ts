export type { CustomEvent } from './custom-event.ts'
export { type Emulator, type EmulatorOptions, type ReceivedRequest, startEmulator } from './start-emulator.ts'
