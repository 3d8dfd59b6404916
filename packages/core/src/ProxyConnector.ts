/**
 * Dials through a proxy: the connector beneath opens a connection to the proxy, a tunnel is asked for, and what speaks
 * next (greeting, implicit TLS, STARTTLS) speaks with the mail server.
 *
 * HTTP CONNECT (RFC 9110 §9.3.6, RFC 7617) and SOCKS5 (RFC 1928, RFC 1929). Host names are resolved by the proxy. TLS is
 * with the mail server, whose certificate is checked against the target's name, never the proxy's. The proxy's password is
 * looked for in whatever the proxy says, and appears in no log, error or span. A tunnel that fails or is interrupted leaves
 * no connection open.
 *
 * It knows no TLS to the proxy itself, no chain of proxies, and no list of hosts to be dialled directly. Unix sockets are
 * dialled directly.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import type { Connection } from "./Connection.ts"
import { type ConnectOptions, Connector, type Target } from "./Connector.ts"
import { excerpt } from "./internal/excerpt.ts"
import * as Octets from "./internal/octets.ts"
import * as Http from "./internal/proxy/http.ts"
import * as Socks5 from "./internal/proxy/socks5.ts"
import * as Wire from "./internal/proxy/wire.ts"
import { makeScrub } from "./internal/scrub.ts"
import { unsent } from "./internal/unsent.ts"
import {
  type CertificateRejected,
  ConnectionFailed,
  InvalidConfiguration,
  type SmtpError,
  TlsFailed
} from "./SmtpError.ts"
import type { TlsOptions } from "./Tls.ts"

export interface Options {
  /**
   * `http://user:password@proxy.example:3128` or `socks5://…` (port 1080 by default; `socks5h` is the same). User and
   * password are percent-encoded; without them no login is offered.
   */
  readonly url: Redacted.Redacted
}

interface Proxy {
  readonly kind: "HTTP" | "SOCKS5"
  readonly host: string
  readonly port: number
  readonly login: Http.Login | undefined
}

/** A connector through the proxy, over the one in context. Fails with `InvalidConfiguration`; dials nothing. */
export const make = (options: Options): Effect.Effect<Connector["Service"], SmtpError, Connector> =>
  Result.match(parse(options.url), {
    onFailure: (reason) => Effect.fail(unsent(reason)),
    onSuccess: (proxy) => Connector.useSync((beneath) => through(beneath, proxy))
  })

/** Replaces the connector beneath: `ProxyConnector.layer({ url }).pipe(Layer.provide(NodeConnector.layer))`. */
export const layer = (options: Options): Layer.Layer<Connector, SmtpError, Connector> =>
  Layer.effect(Connector, make(options))

const through = (beneath: Connector["Service"], proxy: Proxy): Connector["Service"] =>
  Connector.of({
    connect: (target, options) =>
      "path" in target
        ? beneath.connect(target, options)
        : Effect.uninterruptibleMask(Effect.fnUntraced(function*(restore) {
          const scope = yield* Scope.fork(yield* Effect.scope)
          return yield* restore(Scope.provide(tunnel(beneath, proxy, target, scope, options), scope)).pipe(
            Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
          )
        }))
  })

const tunnel = Effect.fnUntraced(function*(
  beneath: Connector["Service"],
  proxy: Proxy,
  target: Exclude<Target, { readonly path: string }>,
  scope: Scope.Closeable,
  options: ConnectOptions | undefined
): Effect.fn.Return<Connection, ConnectionFailed | CertificateRejected | TlsFailed, Scope.Scope> {
  const { host: given, port } = target
  const destination = yield* Effect.fromResult(destinationOf(given, port, proxy.kind))
  options?.onNote?.(`through the ${proxy.kind} proxy ${authorityOf(proxy.host)}:${proxy.port}`)
  const { login } = proxy
  const scrub = makeScrub()
  if (login !== undefined) {
    options?.onSecret?.(login.password)
    scrub.addSecret(Redacted.value(login.password))
    scrub.addLine(Http.basic(login))
  }

  const connection = yield* beneath.connect({ host: proxy.host, port: proxy.port }, options).pipe(
    Effect.catchTag("ConnectionFailed", ({ attempts, cause }) =>
      new ConnectionFailed({
        kind: "Proxy",
        host: given,
        port,
        attempts: attempts.map(({ address, problem }) => ({
          address: `${authorityOf(address)}:${proxy.port}`,
          problem: `the proxy cannot be reached: ${problem}`
        })),
        ...(cause === undefined ? {} : { cause })
      }))
  )
  const wire = Wire.make(connection, (text) => scrub.scrub(text, true))
  yield* (proxy.kind === "HTTP"
    ? Http.connect(wire, destination.authority, port, login)
    : Socks5.connect(wire, destination.octets ?? destination.name, port, login)).pipe(
      Effect.catch((problem) => {
        options?.onAttempt?.({ address: proxy.host, port: proxy.port, problem })
        const address = `${authorityOf(proxy.host)}:${proxy.port}`
        return new ConnectionFailed({ kind: "Proxy", host: given, port, attempts: [{ address, problem }] })
      })
    )

  const secure = (tls: TlsOptions, kind: TlsFailed["kind"]) =>
    Effect.suspend(() => {
      const rest = wire.rest()
      if (rest !== undefined) {
        const [seen = ""] = Octets.decode(rest).split(/\r?\n/)
        return Effect.andThen(
          Scope.close(scope, Exit.void),
          new TlsFailed({ kind, seen: excerpt(scrub.scrub(seen, true)) })
        )
      }
      return connection.upgrade(tls.servername === undefined ? { ...tls, servername: destination.name } : tls)
    }).pipe(
      // what the connector takes for plain text behind STARTTLS is here whatever the server speaks instead of TLS
      Effect.catchTag("TlsFailed", (error) =>
        error.kind === "PlaintextInjected"
          ? new TlsFailed({ kind, ...(error.cause === undefined ? {} : { cause: error.cause }), ...seenOf(error) })
          : error)
    )
  options?.onConnected?.()
  if (target.tls?.mode === "implicit") yield* secure(target.tls, "PlainServerOnTlsPort")

  return {
    pull: Effect.suspend(() => {
      const rest = wire.rest()
      return rest === undefined ? connection.pull : Effect.succeed([rest] as const)
    }),
    writeAll: connection.writeAll,
    upgrade: (tls) => secure(tls, "PlaintextInjected"),
    get tls() {
      return connection.tls
    },
    address: connection.address,
    // to a proxy on this machine we are 127.0.0.1; to the mail server we are not
    localAddress: isLoopback(connection.localAddress) && !isLoopback(destination.name)
      ? undefined
      : connection.localAddress,
    get channelBinding() {
      return connection.channelBinding
    }
  }
})

const seenOf = ({ seen }: TlsFailed) => seen === undefined ? {} : { seen }

const isLoopback = (address: string | undefined): boolean =>
  address !== undefined && (/^(?:::ffff:)?127\./i.test(address) || address === "::1" || address === "localhost")

/** As in a URL. */
const authorityOf = (host: string): string => host.includes(":") ? `[${host}]` : host

interface Destination {
  readonly name: string
  /** As CONNECT says it. */
  readonly authority: string
  /** Of an IP address. */
  readonly octets: Uint8Array | undefined
}

/**
 * What is said to the proxy: a name of the DNS or an address, and never a line break or whatever else could be read as
 * more than that. A name in other letters than ASCII becomes its A-labels.
 */
const destinationOf = (
  given: string,
  port: number,
  kind: Proxy["kind"]
): Result.Result<Destination, ConnectionFailed> => {
  const refuse = (problem: string) =>
    Result.fail(
      new ConnectionFailed({ kind: "Other", host: given, port, attempts: [{ address: excerpt(given), problem }] })
    )
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return refuse("the port is none (1 to 65535)")
  const bare = given.replace(/^\[(.*)\]$/s, "$1")
  if (bare.includes(":")) {
    const octets = ipv6(bare)
    return octets === undefined
      ? refuse("a proxy is given a host's name or IP address, this is none")
      : Result.succeed({ name: bare, authority: `[${bare}]`, octets })
  }
  const ascii = /^[A-Za-z0-9._-]+$/.test(bare)
  // URL would take tabs and line breaks out, and decode a percent
  const name = ascii ? bare : /[\s%/\\@?#]|\p{C}/u.test(bare) ? undefined : URL.parse(`http://${bare}`)?.hostname
  if (name === undefined || name === "" || name.length > 253) {
    return refuse("a proxy is given a host's name or IP address, this is none")
  }
  const octets = kind === "SOCKS5" ? ipv4(name) : undefined
  return Result.succeed({ name, authority: name, octets })
}

const ipv4 = (text: string): Uint8Array | undefined => {
  const parts = text.split(".")
  return parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)
    ? Uint8Array.from(parts, Number)
    : undefined
}

const groups = (part: string): ReadonlyArray<number> =>
  part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16))

/** Undefined for what is none, a zone included: it means something on this machine only. */
const ipv6 = (text: string): Uint8Array | undefined => {
  if (!/^[0-9A-Fa-f:.]+$/.test(text)) return undefined
  const written = URL.parse(`http://[${text}]`)?.hostname.slice(1, -1)
  if (written === undefined) return undefined
  const [head = "", tail] = written.split("::")
  const [before, after] = [groups(head), groups(tail ?? "")]
  const all = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after]
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 255]))
}

type Parsed<A> = Result.Result<A, InvalidConfiguration>
const invalid = (problem: string): Parsed<never> => Result.fail(new InvalidConfiguration({ option: "proxy", problem }))

/** Nothing of the URL is repeated: it may hold a password wherever it is wrong. */
const parse = (url: Redacted.Redacted): Parsed<Proxy> => {
  if (!Redacted.isRedacted(url)) return invalid("it may hold a password: write Redacted.make(…)")
  const parsed = URL.parse(Redacted.value(url))
  if (parsed === null) {
    return invalid("it is not a URL; write http://user:password@host:3128, user and password percent-encoded")
  }
  const kind = { "http:": "HTTP", "socks5:": "SOCKS5", "socks5h:": "SOCKS5" } as const
  const found = Object.entries(kind).find(([scheme]) => scheme === parsed.protocol)?.[1]
  if (found === undefined) return invalid("its scheme is none of http, socks5")
  if (parsed.hostname === "") return invalid("it names no host")
  if ((parsed.pathname !== "" && parsed.pathname !== "/") || parsed.search !== "" || parsed.hash !== "") {
    return invalid("there is something behind host and port (in user and password / ? # are written %2F %3F %23)")
  }
  const host = Result.try(() => decodeURIComponent(parsed.hostname.replace(/^\[(.*)\]$/, "$1")))
  if (Result.isFailure(host) || !/^[A-Za-z0-9._:-]+$/.test(host.success)) return invalid("its host is none")
  const port = parsed.port === "" ? found === "HTTP" ? 80 : 1080 : Number(parsed.port)
  if (port === 0) return invalid("its port is none (1 to 65535)")
  return Result.map(loginOf(parsed, found), (login) => ({ kind: found, host: host.success, port, login }))
}

const loginOf = (url: URL, kind: Proxy["kind"]): Parsed<Http.Login | undefined> => {
  if (url.username === "" && url.password === "") return Result.succeed(undefined)
  const decoded = Result.try(() => [decodeURIComponent(url.username), decodeURIComponent(url.password)] as const)
  if (Result.isFailure(decoded)) {
    return invalid("its user or password has a % that begins no octet; write %25")
  }
  const [user, password] = decoded.success
  if (/\p{Cc}/u.test(user + password)) return invalid("its user or password has a control character")
  // RFC 7617 §2
  if (kind === "HTTP" && user.includes(":")) return invalid("its user has a colon, which Basic cannot say")
  if (
    kind === "SOCKS5" && [user, password].some((text) => text === "" || Octets.encode(text).length > Socks5.longest)
  ) {
    return invalid("user and password of a SOCKS5 proxy have 1 to 255 octets each (RFC 1929)")
  }
  return Result.succeed({ user, password: Redacted.make(password, { label: "proxy password" }) })
}
