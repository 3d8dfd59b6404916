/**
 * Everything that Colloquy needs of Node, but the log: the connector, files and paths, cryptography, and, as references,
 * the process id that logs show and the machine's name for EHLO. For messages: the full table of media types, the hash of
 * signatures, a parser, S/MIME signatures.
 */
import * as Connector from "@colloquy/core/Connector"
import * as LogEvent from "@colloquy/core/LogEvent"
import type { MimeParser } from "@colloquy/core/MimeParser"
import type { SmimeSigner } from "@colloquy/core/SmimeSigner"
import type { Platform } from "@colloquy/core/Transporter"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as Layer from "effect/Layer"
import * as Os from "node:os"
import * as NodeConnector from "./NodeConnector.ts"
import * as NodeDkim from "./NodeDkim.ts"
import * as NodeMediaTypes from "./NodeMediaTypes.ts"
import * as NodeMimeParser from "./NodeMimeParser.ts"
import * as NodeSmimeSigner from "./NodeSmimeSigner.ts"

/** What `layer` provides. */
export type NodeColloquy = Connector.Connector | Platform | MimeParser | SmimeSigner

export const layer: Layer.Layer<NodeColloquy> = Layer.mergeAll(
  NodeConnector.layer,
  NodeFileSystem.layer,
  NodePath.layer,
  NodeCrypto.layer,
  Layer.sync(LogEvent.ProcessId, () => process.pid),
  Layer.sync(Connector.HostName, () => Os.hostname()),
  NodeMediaTypes.layer,
  NodeDkim.layer,
  NodeMimeParser.layer,
  NodeSmimeSigner.layer
)
