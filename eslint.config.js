import vue from 'eslint-plugin-vue'
import tseslint from 'typescript-eslint'

/** Time and chance are ports in the core: these globals must not be named there. */
const impure = ['Date', 'performance', 'crypto', 'fetch', 'setTimeout', 'setInterval', 'localStorage', 'window', 'document', 'console']

/**
 * Words for people stand in locales/. A text is one that begins with a capitalised word, or has two plain words side by
 * side; class names, codes and units have neither.
 */
const WORDS = 'Words for people stand in locales/: name the text there and take it from a composable (useWalletWords and the like).'
const TEXT = String.raw`/^\p{Lu}\p{Ll}+(?:[ ,.:]|$)|(?:^| )\p{Ll}+ \p{Ll}+(?:[ ,.]|$)/u`
const texts = [`Literal[value=${TEXT}]`, `TemplateElement[value.raw=${TEXT}]`]
/** Attributes that are read out or shown: of HTML, of Nuxt UI and of our own components. */
const SPOKEN = 'aria-label|aria-description|title|label|placeholder|description|text|help|hint|lead|back-label|alt'
/**
 * What a template draws as text, or says by such an attribute, has no letters at all of its own: not as a choice (three
 * deep), not added to something, not in a template literal. What only names a key (`words[a ? 'on' : 'off']`) is none.
 */
const choice = ':matches(ConditionalExpression, LogicalExpression)'
const drawn = ['VElement', `VAttribute[directive=true][key.argument.name=/^(?:${SPOKEN})$/]`].flatMap(place =>
  ['', `${choice} >`, `${choice} > ${choice} >`, `${choice} > ${choice} > ${choice} >`, 'BinaryExpression[operator="+"] >'].flatMap(path => [
    `${place} > VExpressionContainer > ${path} Literal[value=/\\p{L}/u]`,
    `${place} > VExpressionContainer > ${path} TemplateLiteral > TemplateElement[value.raw=/\\p{L}/u]`,
  ]))
const forbid = selectors => ['error', ...selectors.map(selector => ({ selector, message: WORDS }))]

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
    files: ['**/*.vue'],
    rules: {
      // a parent's object belongs to the parent: ask for a model (defineModel) or emit
      'vue/no-mutating-props': ['error', { shallowOnly: false }],
      'no-restricted-syntax': forbid(texts),
      'vue/no-restricted-syntax': forbid([...texts, ...drawn]),
      'vue/no-bare-strings-in-template': ['error', {
        attributes: { '/.+/': SPOKEN.split('|') },
        directives: ['v-text'],
        // marks and the names of units, which no language translates
        allowlist: ['sat/vB', ';', '(', ')', '/', ',', '.', ':', '–', '+'],
      }],
    },
  },
  {
    files: ['composables/**/*.ts', 'stores/**/*.ts'],
    rules: { 'no-restricted-syntax': forbid(texts) },
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
