export { createLibp2pTransport } from './transport'
