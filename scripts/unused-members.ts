import { readFileSync } from 'node:fs'
import ts from 'typescript'
import { isProduct, listFiles } from './sources'

/**
 * Members of exported interfaces and classes, and of objects that functions return, which nobody reads. knip sees
 * exports and no members. `npx tsx scripts/unused-members.ts`; exit status 1 when it finds any.
 *
 * A member counts as read when some access resolves to it, or to a member of the same name of a type that its owner can
 * be passed as. Where types end (any, unknown, templates of components) its bare name is enough. So what is reported is
 * dead, and not all that is dead is reported. Members that tests alone read are reported as such.
 */
const EXCEPTIONS: ReadonlyArray<{ readonly member: RegExp; readonly why: string }> = [
  {
    member: /^(InboundWebSockets|WebSocketListener)\.|^(Answer|identifyClients\(\)|BuildPlugin)\./,
    why: 'read by a library that this is handed to',
  },
  { member: /^(outputShape|txShape|blockShape|mempoolShape)\(\)\./, why: 'sent as JSON by the local chain' },
  { member: /^Entry\.(os|cpu)$/, why: 'read from the lockfile and written back' },
  { member: /^CreateSessionResult\.connectedParticipants$/, why: 'docs/connectivity.md, "A session"' },
  {
    member: /^(ConnectResult\.|connectToDiscoveredPeer\(\)\.|GateFailure\.errorType|useMuSig2Store\(\)\.allConnected)/,
    why: 'docs/connectivity.md: public results',
  },
  { member: /^SpendError\./, why: 'the sentence of an error is filled in from all of its members' },
  { member: /^NetworkCounters\./, why: 'for the tests that nothing is left behind' },
]

interface Member {
  readonly name: string
  readonly owner: string
  readonly declaration: ts.Declaration
}

type Reader = 'product' | 'tests'

/** What is read, by whom; names count where no type is known. */
class Reads {
  readonly #declarations = new Map<ts.Node, Set<Reader>>()
  readonly #names = new Map<string, Set<Reader>>()

  symbol(symbol: ts.Symbol | undefined, name: string, by: Reader): void {
    if (symbol?.declarations === undefined) return this.name(name, by)
    for (const declaration of symbol.declarations) add(this.#declarations, declaration, by)
  }

  name(name: string, by: Reader): void {
    add(this.#names, name, by)
  }

  of(member: Member): ReadonlySet<Reader> {
    return new Set([...(this.#declarations.get(member.declaration) ?? []), ...(this.#names.get(member.name) ?? [])])
  }

  /** Members of this name that are read, with their readers. */
  named(name: string): Array<readonly [ts.Node, ReadonlySet<Reader>]> {
    return [...this.#declarations].filter(([node]) => nameOf(node) === name)
  }
}

function add<K>(map: Map<K, Set<Reader>>, key: K, by: Reader): void {
  map.set(key, (map.get(key) ?? new Set<Reader>()).add(by))
}

const nameOf = (node: ts.Node): string | undefined => {
  const name = (node as ts.NamedDeclaration).name
  return name !== undefined && (ts.isIdentifier(name) || ts.isStringLiteral(name)) ? name.text : undefined
}

const hasModifier = (node: ts.Node, ...kinds: ts.SyntaxKind[]): boolean =>
  ts.canHaveModifiers(node) && (ts.getModifiers(node)?.some(m => kinds.includes(m.kind)) ?? false)

const isPublic = (node: ts.Node): boolean =>
  !hasModifier(node, ts.SyntaxKind.PrivateKeyword, ts.SyntaxKind.ProtectedKeyword, ts.SyntaxKind.OverrideKeyword)

/** Members whose owner is exported, or is returned by a function. */
function membersOf(source: ts.SourceFile, checker: ts.TypeChecker): Member[] {
  const found: Member[] = []
  const take = (owner: string, declarations: readonly ts.Declaration[]): void => {
    for (const declaration of declarations) {
      const name = nameOf(declaration)
      if (name !== undefined && isPublic(declaration)) found.push({ name, owner, declaration })
    }
  }
  const visit = (node: ts.Node): void => {
    if (ts.isInterfaceDeclaration(node)) take(node.name.text, [...node.members])
    if (ts.isTypeAliasDeclaration(node) && ts.isTypeLiteralNode(node.type)) take(node.name.text, [...node.type.members])
    if (ts.isClassDeclaration(node)) take(node.name?.text ?? 'class', [...node.members].filter(ts.isClassElement))
    if (ts.isObjectLiteralExpression(node) && isReturned(node)) {
      const wanted = checker.getContextualType(node)
      take(
        ownerOf(node),
        node.properties.filter(p => !isWanted(wanted, nameOf(p) ?? '')),
      )
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** The declared type has this member: that one is reported, not each object that is made of it. */
const isWanted = (type: ts.Type | undefined, name: string): boolean =>
  type !== undefined && (type.isUnion() ? type.types : [type]).some(part => part.getProperty(name) !== undefined)

function isReturned(node: ts.ObjectLiteralExpression): boolean {
  const outer = ts.isParenthesizedExpression(node.parent) ? node.parent.parent : node.parent
  return ts.isReturnStatement(outer) || ts.isArrowFunction(outer)
}

function ownerOf(node: ts.Node): string {
  for (let outer = node.parent; outer !== undefined; outer = outer.parent)
    if ((ts.isFunctionDeclaration(outer) || ts.isVariableDeclaration(outer)) && nameOf(outer) !== undefined)
      return `${nameOf(outer)}()`
  return 'object'
}

/** A place where a value leaves what types say: it may be read as a whole. */
const isOpen = (type: ts.Type): boolean =>
  (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown | ts.TypeFlags.NonPrimitive)) !== 0 ||
  type.getStringIndexType() !== undefined ||
  (type.isClassOrInterface() === false && (type.flags & ts.TypeFlags.Object) !== 0 && type.getProperties().length === 0)

const DEPTH = 4

class Finder {
  constructor(
    private readonly checker: ts.TypeChecker,
    private readonly reads: Reads,
    private readonly by: Reader,
  ) {}

  read(source: ts.SourceFile): void {
    const visit = (node: ts.Node): void => {
      this.#access(node)
      this.#pattern(node)
      this.#handedOn(node)
      ts.forEachChild(node, visit)
    }
    visit(source)
  }

  #access(node: ts.Node): void {
    if (ts.isPropertyAccessExpression(node))
      this.reads.symbol(this.checker.getSymbolAtLocation(node.name), node.name.text, this.by)
    if (ts.isElementAccessExpression(node)) {
      if (ts.isStringLiteralLike(node.argumentExpression)) this.reads.name(node.argumentExpression.text, this.by)
      else if (!isNumber(this.checker.getTypeAtLocation(node.argumentExpression)))
        this.#whole(this.checker.getTypeAtLocation(node.expression), 1)
    }
    if (
      ts.isIndexedAccessTypeNode(node) &&
      ts.isLiteralTypeNode(node.indexType) &&
      ts.isStringLiteral(node.indexType.literal)
    )
      this.reads.name(node.indexType.literal.text, this.by)
    if (
      ts.isBinaryExpression(node) &&
      node.operatorToken.kind === ts.SyntaxKind.InKeyword &&
      ts.isStringLiteral(node.left)
    )
      this.reads.name(node.left.text, this.by)
  }

  #pattern(node: ts.Node): void {
    if (!ts.isBindingElement(node) || !ts.isObjectBindingPattern(node.parent)) return
    const name = node.propertyName ?? node.name
    if (!ts.isIdentifier(name)) return
    const type = this.checker.getTypeAtLocation(node.parent)
    for (const part of type.isUnion() ? type.types : [type])
      this.reads.symbol(this.checker.getPropertyOfType(part, name.text), name.text, this.by)
  }

  /** Arguments that the receiver may read as a whole, and fields of schemas: objects over the members of a type. */
  #handedOn(node: ts.Node): void {
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
      const parameters = this.checker.getResolvedSignature(node)?.parameters ?? []
      for (const [i, argument] of (node.arguments ?? []).entries()) {
        const parameter = parameters[Math.min(i, parameters.length - 1)]
        if (parameter !== undefined && isOpen(this.checker.getTypeOfSymbolAtLocation(parameter, node)))
          this.#whole(this.checker.getTypeAtLocation(argument), DEPTH)
      }
    }
    if (ts.isObjectLiteralExpression(node)) {
      const wanted = this.checker.getContextualType(node)
      for (const property of wanted === undefined ? [] : this.checker.getPropertiesOfType(wanted))
        if ('mappedType' in ((property as { links?: object }).links ?? {}))
          this.reads.symbol(property, property.name, this.by)
    }
  }

  readonly #seen = new Map<ts.Type, number>()

  #whole(type: ts.Type, depth: number): void {
    if ((this.#seen.get(type) ?? 0) >= depth) return
    this.#seen.set(type, depth)
    if (depth === 0 || (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.StringLike | ts.TypeFlags.NumberLike)) !== 0)
      return
    for (const part of type.isUnionOrIntersection() ? type.types : [type])
      for (const property of part.getProperties()) {
        if (property.declarations?.every(d => d.getSourceFile().fileName.includes('node_modules')) !== false) continue
        this.reads.symbol(property, property.name, this.by)
        const at = property.declarations[0]
        if (at !== undefined) this.#whole(this.checker.getTypeOfSymbolAtLocation(property, at), depth - 1)
      }
  }
}

const isNumber = (type: ts.Type): boolean => (type.flags & ts.TypeFlags.NumberLike) !== 0

/** Its owner can be passed where the other's is wanted, or the other way round. */
function related(a: ts.Node, b: ts.Node, checker: ts.TypeChecker): boolean {
  const [one, other] = [a.parent, b.parent].map(owner => checker.getTypeAtLocation(owner))
  if (one === undefined || other === undefined) return true
  const generic = (node: ts.Node): boolean =>
    (ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node)) && node.typeParameters !== undefined
  if (generic(a.parent) || generic(b.parent)) return true
  return checker.isTypeAssignableTo(one, other) || checker.isTypeAssignableTo(other, one)
}

function main(): number {
  const config = ts.parseJsonConfigFileContent(
    ts.readConfigFile('tsconfig.node.json', ts.sys.readFile).config,
    ts.sys,
    '.',
  )
  const more = listFiles(
    'stores/*.ts',
    'composables/*.ts',
    'middleware/*.ts',
    'plugins/*.ts',
    'locales/*.ts',
    'tests/nuxt/*.ts',
  )
  const program = ts.createProgram([...config.fileNames, ...more], config.options)
  const checker = program.getTypeChecker()
  const cwd = `${process.cwd()}/`
  const own = program
    .getSourceFiles()
    .filter(s => !s.fileName.includes('node_modules') && !s.isDeclarationFile)
    .map(source => ({ source, file: source.fileName.replace(cwd, '') }))
  const reads = new Reads()
  const finders = { product: new Finder(checker, reads, 'product'), tests: new Finder(checker, reads, 'tests') }
  for (const { source, file } of own) finders[isProduct(file) ? 'product' : 'tests'].read(source)
  for (const file of listFiles('*.vue'))
    for (const [word] of readFileSync(file, 'utf8').matchAll(/[A-Za-z_$][\w$]*/g)) reads.name(word, 'product')

  let dead = 0
  for (const { source, file } of own.filter(o => isProduct(o.file)))
    for (const member of membersOf(source, checker)) {
      const by = new Set(reads.of(member))
      if (!by.has('product'))
        for (const [node, readers] of reads.named(member.name))
          if (related(member.declaration, node, checker)) for (const reader of readers) by.add(reader)
      if (by.has('product') || EXCEPTIONS.some(e => e.member.test(`${member.owner}.${member.name}`))) continue
      dead++
      const line = source.getLineAndCharacterOfPosition(member.declaration.getStart()).line + 1
      console.log(
        `${file}:${line} ${member.owner}.${member.name} is read by ${by.has('tests') ? 'tests only' : 'nobody'}`,
      )
    }
  return dead
}

process.exitCode = main() === 0 ? 0 : 1
