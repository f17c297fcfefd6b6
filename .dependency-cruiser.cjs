const only = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to })

/** The layers of ARCHITECTURE.md. */
module.exports = {
  forbidden: [
    only('no-cycles', 'A cycle hides who owns what.', {}, { circular: true }),
    only('core-is-pure', 'core and ports know only themselves and curve, hash, coding libraries.',
      { path: '^services/(core|ports)/' }, { path: '^(services/(adapters|[^/]+\\.ts$)|stores|components|composables|pages|relay|devnet|scripts|tests)' }),
    only('core-no-platform', 'No browser or network library in the core.',
      { path: '^services/(core|ports)/' }, { path: 'node_modules/(libp2p|@libp2p|idb|hash-wasm|vue|pinia|nuxt|@nuxt|@multiformats|uqr)' }),
    only('domain-is-the-floor', 'core/domain imports nothing of ours but itself (views may name types).',
      { path: '^services/core/domain/' }, { path: '^services/', pathNot: '^services/core/domain/' }),
    only('crypto-and-wire-below', 'crypto and wire stand on domain and on each other only.',
      { path: '^services/core/(crypto|wire)/' }, { path: '^services/core/(spend|roster|signing|net|chain)/' }),
    only('adapters-apart', 'Adapters never import each other.',
      { path: '^services/adapters/([^/]+)/' }, { path: '^services/adapters/', pathNot: '^services/adapters/$1/' }),
    only('adapters-below-doors', 'Adapters know ports, domain and wire; the key worker also crypto.',
      { path: '^services/adapters/', pathNot: '^services/adapters/keyworker/' }, { path: '^services/core/(crypto|spend|roster|signing|net|chain)/|^services/[^/]+\\.ts$' }),
    only('keyworker-below-doors', 'The key worker knows ports, domain, wire and crypto.',
      { path: '^services/adapters/keyworker/' }, { path: '^services/core/(spend|roster|signing|net|chain)/|^services/[^/]+\\.ts$' }),
    only('doors-through-ports', 'Only compose.ts builds adapters.',
      { path: '^services/[^/]+\\.ts$', pathNot: '^services/compose\\.ts$' }, { path: '^services/adapters/' }),
    only('libp2p-in-its-rooms', 'Only adapters/libp2p and relay import libp2p.',
      { pathNot: '^(services/adapters/libp2p/|relay/|tests/|node_modules/)' }, { path: 'node_modules/(libp2p|@libp2p|@multiformats)/' }),
    only('components-mirror', 'Components touch no store and no service value.',
      { path: '^components/' }, { path: '^(stores|services)/', dependencyTypesNot: ['type-only'] }),
    only('pages-compose', 'Pages compose; they know no service.',
      { path: '^pages/' }, { path: '^services/', dependencyTypesNot: ['type-only'] }),
    only('devnet-alone', 'devnet imports nothing from services.', { path: '^devnet/' }, { path: '^services/' }),
    only('product-without-tests', 'No product file imports a test (scripts find the browser as tests do).', { pathNot: '^(tests|scripts)/' }, { path: '^tests/' }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(\\.nuxt|\\.output|dist)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.node.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'] },
  },
}
