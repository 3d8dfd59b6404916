/**
 * Dials with `node:net` and `node:tls`.
 *
 * All TLS here runs over a socket that was dialled before, also where it is implicit: one way to dial, one verdict, for
 * both. Whatever fails or is interrupted, at any point, destroys the socket; nothing stays open.
 *
 * RFC 8314 (implicit TLS), RFC 3207 (STARTTLS: the upgrade, not the command), RFC 9266 (channel binding).
 *
 * It keeps no connections, and knows no time limit but those between one address and the next. TLS sessions are resumed as
 * long as the same value of `TlsOptions` is given.
 */
import type { Connection } from "@colloquy/core/Connection"
import { type ConnectOptions, Connector, type Target } from "@colloquy/core/Connector"
import * as ProxyConnector from "@colloquy/core/ProxyConnector"
import { type CertificateRejected, type ConnectionFailed, type SmtpError, TlsFailed } from "@colloquy/core/SmtpError"
import type { TlsOptions } from "@colloquy/core/Tls"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import type * as Net from "node:net"
import * as Dial from "./internal/dial.ts"
import { handshake, type Secured } from "./internal/handshake.ts"
import * as Pipe from "./internal/pipe.ts"

export interface Options {
  /** Resolves host names. Default: the operating system, `dns.lookup`. */
  readonly lookup?: Net.LookupFunction | undefined
}

export const make = (options?: Options): Connector["Service"] =>
  Connector.of({
    connect: (target, connectOptions) =>
      Effect.uninterruptibleMask(Effect.fnUntraced(function*(restore) {
        const scope = yield* Scope.fork(yield* Effect.scope)
        return yield* restore(Scope.provide(connect(target, connectOptions, options), scope)).pipe(
          Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
        )
      }))
  })

export const layer: Layer.Layer<Connector> = Layer.sync(Connector, make)

/** With `proxy`, dials through it (`ProxyConnector`): `http://user:password@proxy.example:3128` or `socks5://…`. */
export const layerWith = (
  options: Options & { readonly proxy?: Redacted.Redacted | undefined }
): Layer.Layer<Connector, SmtpError> => {
  const direct = Layer.sync(Connector, () => make(options))
  return options.proxy === undefined
    ? direct
    : Layer.provide(ProxyConnector.layer({ url: options.proxy }), direct)
}

const connect = Effect.fnUntraced(function*(
  target: Target,
  connectOptions: ConnectOptions | undefined,
  options: Options | undefined
): Effect.fn.Return<Connection, ConnectionFailed | CertificateRejected | TlsFailed, Scope.Scope> {
  const pipe = Pipe.make()
  let secured: Secured | undefined
  const raw = yield* Effect.acquireRelease(
    Dial.open(target, options?.lookup),
    (raw) =>
      Effect.suspend(() => {
        pipe.end()
        return Dial.close(secured?.socket ?? raw, raw)
      })
  )
  yield* Dial.connected(raw, target, connectOptions)
  connectOptions?.onConnected?.()
  const { localAddress, remoteAddress, remotePort } = raw
  const host = "path" in target ? undefined : Dial.unbracketed(target.host)
  const port = "path" in target ? undefined : target.port

  const secure = (tls: TlsOptions, plainText: TlsFailed["kind"]) =>
    Effect.tap(handshake(raw, tls, host, port, plainText), (done) =>
      Effect.sync(() => {
        secured = done
        pipe.attach(done.socket)
      }))

  if ("tls" in target && target.tls?.mode === "implicit") {
    yield* secure(target.tls, "PlainServerOnTlsPort").pipe(
      Effect.catchTag(
        "TlsFailed",
        (error) =>
          error.kind !== "PlainServerOnTlsPort" || remoteAddress === undefined || remotePort === undefined
            ? Effect.fail(error)
            : Effect.flatMap(Dial.plainGreeting({ host: remoteAddress, port: remotePort }), (seen) =>
              Effect.fail(
                new TlsFailed({ kind: error.kind, cause: error.cause, ...(seen === undefined ? {} : { seen }) })
              ))
      )
    )
  } else {
    pipe.attach(raw)
  }

  return {
    pull: pipe.pull,
    writeAll: pipe.writeAll,
    upgrade: (tls) =>
      Effect.suspend(() => {
        if (secured !== undefined || pipe.isEnded()) {
          const problem = secured === undefined ? "the connection has ended" : "TLS is on already"
          return Effect.fail(new TlsFailed({ kind: "Handshake", cause: new Error(problem) }))
        }
        pipe.detach()
        return secure(tls, "PlaintextInjected").pipe(
          Effect.map(({ info }) => info),
          Effect.onError(() =>
            Effect.sync(() => {
              pipe.end()
              raw.destroy()
            })
          )
        )
      }),
    get tls() {
      return secured?.info
    },
    address: remoteAddress,
    localAddress,
    get channelBinding() {
      return secured?.channelBinding
    }
  }
})
