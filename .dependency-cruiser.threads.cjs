/**
 * What the main thread runs, from its pages and doors on, static and dynamic imports alike. Types are left out, because they compute nothing; the key worker is
 * none of it, because it is a URL and no import. A second configuration: the first one (layers) must see types too.
 */
module.exports = {
  forbidden: [
    {
      name: 'curves-in-workers', severity: 'error',
      comment: 'No secp256k1 arithmetic on the main thread: ask the key worker (services/ports/signer.ts, Aggregator).',
      from: { path: '^(app|error)\\.vue$|^(pages|components|composables|stores|middleware|plugins)/|^services/[^/]+\\.ts$' },
      to: { path: 'node_modules/(@noble/curves/(?!(ed25519|utils)\\.js)|@scure/(bip32|btc-signer))', reachable: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(\\.nuxt|\\.output|dist)/' },
    tsPreCompilationDeps: false,
    tsConfig: { fileName: 'tsconfig.node.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'] },
  },
}
