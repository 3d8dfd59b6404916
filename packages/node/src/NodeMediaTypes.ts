/** Media types of file names by the full table (mime-db, by the `mime` library). */
import { MediaTypes } from "@colloquy/core/MediaTypes"
import * as Layer from "effect/Layer"
import mime from "mime"

export const layer: Layer.Layer<never> = Layer.succeed(MediaTypes, {
  typeOf: (name) => name.includes(".") ? mime.getType(name) ?? undefined : undefined
})
