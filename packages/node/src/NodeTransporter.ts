import type { LogError } from "@colloquy/core/LogSink"
import type { SmtpError } from "@colloquy/core/SmtpError"
import type { LogSwitch, SmtpLog } from "@colloquy/core/SmtpLog"
import type { Options, Transporter } from "@colloquy/core/Transporter"
import type * as Config from "effect/Config"
import type * as Layer from "effect/Layer"
/** For scripts: transporter, platform and the application log, off unless COLLOQUY_LOG or logConfig.json switches it on. */
export declare const layer: (options: Options) => Layer.Layer<Transporter | SmtpLog | LogSwitch, SmtpError | LogError>
export declare const layerConfig: (
  options: Config.Wrap<Options>
) => Layer.Layer<Transporter | SmtpLog | LogSwitch, SmtpError | LogError | Config.ConfigError>
