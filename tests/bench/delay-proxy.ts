import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface DelayProxy {
  readonly port: number
  close(): Promise<void>
}

/**
 * Stands before a relay and holds back everything that the relay says by `ms`, in order: each message through the
 * relay, from member to member or from the relay itself, is late by that much. What members say to the relay is passed
 * on at once.
 */
export async function delayProxy(target: number, ms: number): Promise<DelayProxy> {
  const sockets = new Set<Socket>()
  const server = createServer(near => {
    const far = connect(target, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket.setNoDelay(true))
      socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
    }
    near.pipe(far)
    near.on('close', () => far.destroy())
    far.on('data', chunk =>
      setTimeout(() => {
        if (near.writable) near.write(chunk)
      }, ms),
    )
    far.on('close', () => setTimeout(() => near.end(), ms))
  })
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => {
        server.close(resolve)
      })
    },
  }
}
