import type { Connector } from "@colloquy/core/Connector"
import type * as Layer from "effect/Layer"
export declare const layer: Layer.Layer<Connector>
