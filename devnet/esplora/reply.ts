/** One answer of the server, before faults and CORS are put on it. */
export interface Reply {
  readonly status: number
  readonly type: string
  readonly body: string | Uint8Array
  /** seconds that the answer may be cached; left out for refusals */
  readonly maxAge?: number
}

export const text = (body: string, maxAge: number): Reply => ({ status: 200, type: 'text/plain', body, maxAge })

export const json = (value: unknown, maxAge: number): Reply => ({
  status: 200,
  type: 'application/json',
  body: JSON.stringify(value),
  maxAge,
})

export const bytes = (body: Uint8Array, maxAge: number): Reply => ({
  status: 200,
  type: 'application/octet-stream',
  body,
  maxAge,
})

export const refusal = (status: number, body: string): Reply => ({ status, type: 'text/plain', body })
