import { createSocket } from 'node:dgram'

const BINDING_REQUEST = 0x0001
const BINDING_SUCCESS = 0x0101
const MAGIC = 0x2112a442
const XOR_MAPPED_ADDRESS = 0x0020

export interface StunServer {
  readonly url: string
  close(): Promise<void>
}

/** A STUN server (RFC 8489, binding only, IPv4): tells everybody the address that he is seen with. */
export async function startStun(host: string): Promise<StunServer> {
  const socket = createSocket('udp4')
  socket.on('message', (request, from) => {
    if (request.length < 20 || request.readUInt16BE(0) !== BINDING_REQUEST || request.readUInt32BE(4) !== MAGIC) return
    const answer = Buffer.alloc(32)
    answer.writeUInt16BE(BINDING_SUCCESS, 0)
    answer.writeUInt16BE(12, 2)
    request.copy(answer, 4, 4, 20)
    answer.writeUInt16BE(XOR_MAPPED_ADDRESS, 20)
    answer.writeUInt16BE(8, 22)
    answer.writeUInt16BE(0x0001, 24)
    answer.writeUInt16BE(from.port ^ (MAGIC >>> 16), 26)
    const address = from.address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
    answer.writeUInt32BE((address ^ MAGIC) >>> 0, 28)
    socket.send(answer, from.port, from.address)
  })
  await new Promise<void>(resolve => socket.bind(0, host, resolve))
  return {
    url: `stun:${host}:${socket.address().port}`,
    close: () => new Promise(resolve => socket.close(() => resolve())),
  }
}

/** Whether a STUN or TURN server answers there within a moment. */
export async function answersStun(host: string, port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  const request = Buffer.alloc(20)
  request.writeUInt16BE(BINDING_REQUEST, 0)
  request.writeUInt32BE(MAGIC, 4)
  try {
    return await new Promise<boolean>(resolve => {
      socket.once('message', answer => resolve(answer.length >= 20 && answer.readUInt16BE(0) === BINDING_SUCCESS))
      socket.once('error', () => resolve(false))
      setTimeout(() => resolve(false), 200)
      socket.send(request, port, host)
    })
  } finally {
    socket.close()
  }
}
