import type { ComponentLogger, Logger } from '@libp2p/interface'

const quiet: Logger = Object.assign(() => undefined, {
  enabled: false,
  error: () => undefined,
  trace: () => undefined,
  newScope: () => quiet,
})

/** For parts of the library that are made without a node: says nothing. */
export const quietLogger: ComponentLogger = { forComponent: () => quiet }
