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
import type * as Config from "effect/Config"
import * as Layer from "effect/Layer"
import * as NodeColloquy from "./NodeColloquy.ts"

type Provided = Transporter.Transporter | SmtpLog.SmtpLog | SmtpLog.LogSwitch

export const layer = (options: Transporter.Options): Layer.Layer<Provided, SmtpError | LogError> =>
  complete(Transporter.layer(options))

export const layerConfig = (
  options: Config.Wrap<Transporter.Options>
): Layer.Layer<Provided, SmtpError | LogError | Config.ConfigError> => complete(Transporter.layerConfig(options))

/** One value for all, so that the transporters of one runtime share the file. */
const log = SmtpLog.layerGlobal()

const complete = <E>(transporter: Layer.Layer<Transporter.Transporter, E, Transporter.Requirements>) =>
  transporter.pipe(Layer.provideMerge(log), Layer.provide(NodeColloquy.layer))
