/**
 * A transporter that needs nothing else, for scripts and for programs without layers of their own: Node's platform, and
 * the application's log, which is off until `COLLOQUY_LOG=1` or `logConfig.json` switches it on.
 *
 * An application composes `Transporter.layer`, `NodeColloquy.layer` and a log of its choice instead.
 */
import type { LogError } from "@colloquy/core/LogSink"
import type { SmtpError } from "@colloquy/core/SmtpError"
import * as SmtpLog from "@colloquy/core/SmtpLog"
import * as Transporter from "@colloquy/core/Transporter"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as NodeColloquy from "./NodeColloquy.ts"
import * as NodeConnector from "./NodeConnector.ts"

type Provided = Transporter.Transporter | SmtpLog.SmtpLog | SmtpLog.LogSwitch

/** As a transporter's, and the way to it. */
export interface Options extends Transporter.Options {
  /** Dials through this proxy: `http://user:password@proxy.example:3128` or `socks5://…` (`ProxyConnector`). */
  readonly proxy?: Redacted.Redacted | undefined
}

/** The default transporter, its log and the log's switch, with everything that they need. */
export const layer = (options: Options): Layer.Layer<Provided, SmtpError | LogError> => {
  const { proxy, ...others } = options
  return complete(Transporter.layer(others), proxy)
}

/** As `layer`, with options that are read from the configuration. */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<Provided, SmtpError | LogError | Config.ConfigError> =>
  Layer.unwrap(Effect.map(Config.unwrap(options), layer))

/** One value for all, so that the transporters of one runtime share the file. */
const log = SmtpLog.layerGlobal()

const complete = <E>(
  transporter: Layer.Layer<Transporter.Transporter, E, Transporter.Requirements>,
  proxy: Redacted.Redacted | undefined
) =>
  transporter.pipe(
    Layer.provideMerge(log),
    Layer.provide(proxy === undefined ? Layer.empty : NodeConnector.layerWith({ proxy })),
    Layer.provide(NodeColloquy.layer)
  )
