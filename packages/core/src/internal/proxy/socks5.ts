/**
 * The tunnel of a SOCKS5 proxy (RFC 1928), without login or by user and password (RFC 1929).
 *
 * A host name travels as a name and is resolved by the proxy. GSSAPI is not offered.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Login } from "./http.ts"
import type { Wire } from "./wire.ts"

const version = 5
const withoutLogin = 0
const byPassword = 2
const noneAcceptable = 0xff

/** RFC 1928 §6. */
const problems: { readonly [reply: number]: string } = {
  1: "general SOCKS server failure",
  2: "connection not allowed by its rules",
  3: "network unreachable",
  4: "host unreachable",
  5: "connection refused",
  6: "TTL expired",
  7: "command not supported",
  8: "address type not supported"
}

const encoder = new TextEncoder()

/** With its length in front: one octet. */
const counted = (octets: Uint8Array): ReadonlyArray<number> => [octets.length, ...octets]

/** Names, users and passwords have one octet for their length. */
export const longest = 255

/** `host` is a name, or an IP address with its octets. */
export const connect = Effect.fnUntraced(function*(
  wire: Wire,
  host: string | Uint8Array,
  port: number,
  login: Login | undefined
): Effect.fn.Return<void, string> {
  const ways = login === undefined ? [withoutLogin] : [withoutLogin, byPassword]
  yield* wire.write(Uint8Array.of(version, ways.length, ...ways))
  const [spoken, way = noneAcceptable] = yield* wire.take(2)
  if (spoken !== version) return yield* Effect.fail("it does not answer as a SOCKS5 proxy")
  if (way === noneAcceptable) {
    return yield* Effect.fail(
      login === undefined
        ? "it wants a login, and its URL has none"
        : "it takes neither user and password nor a connection without login"
    )
  }
  if (!ways.includes(way)) return yield* Effect.fail("it chose a way to log in that it was not offered")
  if (way === byPassword && login !== undefined) {
    const user = encoder.encode(login.user)
    const password = encoder.encode(Redacted.value(login.password))
    yield* wire.write(Uint8Array.of(1, ...counted(user), ...counted(password)))
    const [, status] = yield* wire.take(2)
    if (status !== 0) return yield* Effect.fail("it does not accept the login of its URL")
  }
  const address = typeof host === "string"
    ? [3, ...counted(encoder.encode(host))]
    : [host.length === 4 ? 1 : 4, ...host]
  yield* wire.write(Uint8Array.of(version, 1, 0, ...address, port >> 8, port & 255))
  const [answered, reply = 1, , kind] = yield* wire.take(4)
  if (answered !== version) return yield* Effect.fail("it does not answer as a SOCKS5 proxy")
  if (reply !== 0) return yield* Effect.fail(`${problems[reply] ?? "unknown failure"} (SOCKS5 reply ${reply})`)
  // the address that it dials from is read to get past it
  const [length = 0] = kind === 1 ? [4] : kind === 4 ? [16] : kind === 3 ? yield* wire.take(1) : []
  if (length === 0) return yield* Effect.fail("it does not answer as a SOCKS5 proxy")
  yield* wire.take(length + 2)
})
