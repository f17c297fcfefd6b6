import '../support/node-shim'
import { realClock, RealNetwork } from '../support/real-network'

/**
 * One node in a process of its own, so that it can be stopped and killed as a whole: `peer-process.ts <relay
 * address>...`. Prints its peer id when it holds a place, and ends when the one that started it is gone.
 */
const node = await new RealNetwork().node(process.argv.slice(2))
process.stdout.write(`${node.transport.peerId}\n`)
process.stdin.on('end', () => process.exit(0)).resume()
realClock.after(300_000, () => process.exit(1))
