import { createServer } from 'node:net'

/** how many ports above the wanted one are tried */
const TRIES = 50

/**
 * The wanted port, or, unless it is to be exactly that one, the next free one above it.
 *
 * @throws Error with one sentence when none of them can be listened on
 */
export async function freePort(host: string, wanted: number, exact = false): Promise<number> {
  if (exact) {
    const code = await tryPort(host, wanted)
    if (typeof code === 'number') return code
    throw new Error(
      code === 'EADDRINUSE' ? `port ${wanted} on ${host} is taken` : `cannot listen on ${host} port ${wanted}: ${code}`,
    )
  }
  for (let port = wanted; port < wanted + TRIES && port <= 65_535; port++) {
    const code = await tryPort(host, port)
    if (typeof code === 'number') return code
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw new Error(`cannot listen on ${host} port ${port}: ${code}`)
  }
  throw new Error(`no free port from ${wanted} to ${wanted + TRIES - 1} on ${host}`)
}

/** The port that one gets, or the code of the error. */
function tryPort(host: string, port: number): Promise<number | string> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : port))
    })
  })
}
