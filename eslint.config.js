import vue from 'eslint-plugin-vue'
import tseslint from 'typescript-eslint'

/** Time and chance are ports in the core: these globals must not be named there. */
const impure = ['Date', 'performance', 'crypto', 'fetch', 'setTimeout', 'setInterval', 'localStorage', 'window', 'document', 'console']

export default tseslint.config(
  { ignores: ['.nuxt/**', '.output/**', 'dist/**', 'node_modules/**', 'test-results/**', '.tandem/**', '.vectors/**', 'patches/**', 'public/**'] },
  ...tseslint.configs.recommended,
  ...vue.configs['flat/essential'],
  { files: ['**/*.vue'], languageOptions: { parserOptions: { parser: tseslint.parser } } },
  {
    files: ['**/*.ts', '**/*.vue'],
    rules: {
      'no-console': 'error',
      'no-shadow': 'off',
      '@typescript-eslint/no-shadow': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/no-non-null-assertion': 'error',
      'vue/multi-word-component-names': 'off',
      'no-restricted-globals': ['error', { name: 'SharedArrayBuffer', message: 'Secrets must never be in memory that two threads share.' }],
    },
  },
  {
    files: ['services/**/*.ts', 'relay/**/*.ts', 'devnet/**/*.ts', 'stores/**/*.ts', 'composables/**/*.ts', 'scripts/**/*.ts', 'tests/**/*.ts'],
    ignores: ['**/*.d.ts', 'tests/nuxt/**'],
    languageOptions: { parserOptions: { project: ['./tsconfig.node.json', './tsconfig.json'], tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false, attributes: false } }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    files: ['services/core/**/*.ts', 'services/ports/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...impure.map(name => ({ name, message: 'The core is pure: use a port.' }))],
    },
  },
  {
    // command-line programs and test helpers speak on the terminal
    files: ['relay/main.ts', 'devnet/main.ts', 'scripts/**', 'tests/**'],
    rules: { 'no-console': 'off', '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    files: ['services/**/*.ts', 'relay/**/*.ts', 'stores/**/*.ts', 'composables/**/*.ts'],
    rules: { 'no-restricted-properties': ['error', { object: 'Math', property: 'random', message: 'Use the Entropy port.' }] },
  },
  {
    // a transferred buffer is the very memory of the vault, not a copy of what was meant to leave
    files: ['services/adapters/keyworker/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error',
        { selector: 'CallExpression[callee.property.name="postMessage"][arguments.length>1]', message: 'Nothing is transferred across the worker boundary: values are copied.' },
        { selector: 'CallExpression[callee.name="structuredClone"][arguments.length>1]', message: 'Nothing is transferred across the worker boundary: values are copied.' }],
    },
  },
  { files: ['services/core/abort.d.ts'], rules: { 'no-var': 'off', '@typescript-eslint/no-unused-vars': 'off' } },
)
