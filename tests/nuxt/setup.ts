import { vi } from 'vitest'

// outside of the built app icons would be fetched from a public server: here each is a bare drawing
vi.mock('@iconify/vue', () => ({ Icon: { props: ['icon'], template: '<svg aria-hidden="true" />' } }))
