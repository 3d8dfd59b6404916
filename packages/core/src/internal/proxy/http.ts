/**
 * The tunnel of an HTTP proxy: CONNECT (RFC 9110 §9.3.6, RFC 9112), login by Basic (RFC 7617).
 *
 * What stands behind the header section of a 2xx is the tunnel's. A refusal's content is not read: the connection ends.
 */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Redacted from "effect/Redacted"
import type { Wire } from "./wire.ts"

export interface Login {
  readonly user: string
  readonly password: Redacted.Redacted
}

/** Header fields of an answer at most. */
const maxFields = 128

/** The credentials as they travel (RFC 7617 §2). */
export const basic = ({ password, user }: Login): string => Base64.encode(`${user}:${Redacted.value(password)}`)

const encoder = new TextEncoder()

/** `host` as in a URL: an IPv6 address in brackets. */
export const connect = Effect.fnUntraced(function*(
  wire: Wire,
  host: string,
  port: number,
  login: Login | undefined
): Effect.fn.Return<void, string> {
  const authority = `${host}:${port}`
  const authorization = login === undefined ? "" : `Proxy-Authorization: Basic ${basic(login)}\r\n`
  yield* wire.write(encoder.encode(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorization}\r\n`))
  for (;;) {
    const line = yield* wire.line
    const [, status, reason = ""] = /^HTTP\/1\.\d ([1-5]\d\d)(?: (.*))?$/s.exec(line) ?? []
    if (status === undefined) return yield* Effect.fail(`it does not answer as an HTTP proxy: "${wire.said(line)}"`)
    const offered: Array<string> = []
    for (let fields = 0;; fields++) {
      const field = yield* wire.line
      if (field === "") break
      if (fields >= maxFields) return yield* Effect.fail("it sends header fields without end")
      const scheme = /^proxy-authenticate:[ \t]*([A-Za-z0-9!#$%&'*+.^_`|~-]{1,40})/i.exec(field)?.[1]
      if (scheme !== undefined) offered.push(wire.said(scheme))
    }
    if (status.startsWith("2")) return
    // an interim response, another follows
    if (status.startsWith("1")) continue
    return yield* Effect.fail(
      `${status} ${wire.said(reason)}`.trimEnd() + (status === "407" ? loginWords(login, offered) : "")
    )
  }
})

const loginWords = (login: Login | undefined, offered: ReadonlyArray<string>): string => {
  if (offered.length > 0 && !offered.some((scheme) => scheme.toLowerCase() === "basic")) {
    return `; it takes logins by ${offered.join(", ")} only, we know Basic`
  }
  return login === undefined ? "; it wants a login, and its URL has none" : "; it does not accept the login of its URL"
}
