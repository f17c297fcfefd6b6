import { X509Certificate, createPrivateKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'

export interface Certificate {
  /** PEM, the relay's own first */
  readonly cert: string
  readonly key: string
}

/** @throws Error with one sentence that names the file */
export async function loadCertificate(files: {
  readonly certFile: string
  readonly keyFile: string
}): Promise<Certificate> {
  const [cert, key] = await Promise.all([read('certificate', files.certFile), read('private key', files.keyFile)])
  const good = (check: () => unknown, problem: string): void => {
    try {
      check()
    } catch {
      throw new Error(problem)
    }
  }
  good(() => new X509Certificate(cert), `the certificate ${files.certFile} is not PEM`)
  good(() => createPrivateKey(key), `the private key ${files.keyFile} is not PEM, or has a passphrase`)
  good(
    () => createSecureContext({ cert, key }),
    `the private key ${files.keyFile} does not belong to the certificate ${files.certFile}`,
  )
  return { cert, key }
}

async function read(what: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new Error(`cannot read the ${what} ${file}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`)
  }
}
