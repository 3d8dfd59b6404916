import type { Connector } from "@colloquy/core/Connector"
import type { Platform } from "@colloquy/core/Transporter"
import type * as Layer from "effect/Layer"
/** Everything but the log. */
export type NodeColloquy = Connector | Platform
export declare const layer: Layer.Layer<NodeColloquy>
